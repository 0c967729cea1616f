"""Start a server in its own processes, send it a request, stop it."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.serving import processes
from benchmarks.serving.entries import ROOT, Entry
from benchmarks.serving.payloads import Post

START_SECONDS = 60
STOP_SECONDS = 15
POLL_SECONDS = 0.01
# Variables of this shell that must not affect the servers; then one thread in each process for all.
UNSET = (
    *("OPENBLAS_", "GOTO_", "OMP_", "MKL_", "PYTHON"),
    *("DIGITS_", "PROMETHEUS_", "GUNICORN_", "WEB_CONCURRENCY", "MLSERVER_", "BENTOML_"),
)
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Process = subprocess.Popen[bytes]


class ServerError(ValueError):
    """A server can't be measured; the message says which, and why."""


class Server(NamedTuple):
    """A running server."""

    name: str
    entry: Entry
    process: Process
    port: int
    start_seconds: float


@contextmanager
def running(name: str, entry: Entry, first: Post, folder: Path) -> Iterator[Server]:
    """Start a server, wait until it answers a prediction, and stop it when the block ends.

    It may write to `folder`. Raises ServerError if it does not start, or does not answer.
    """
    port, other = free_ports()
    log = folder / "log.txt"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    process = start(name, entry, {"port": str(port), "port2": str(other), "folder": str(folder)}, log)
    try:
        _wait(name, process, port, first, log)
        yield Server(name, entry, process, port, time.perf_counter() - began)
    finally:
        stop(process)


def start(name: str, entry: Entry, values: dict[str, str], log: Path) -> Process:
    """Start a server with these values in its command and variables; its output goes to the log."""
    program, *arguments = entry.command
    path = ROOT / ".venv" / entry.environment / "bin" / program
    variables = {key: value.format(**values) for key, value in entry.variables.items()}
    with log.open("wb") as output:
        try:
            return subprocess.Popen(
                [path, *(argument.format(**values) for argument in arguments)],
                cwd=ROOT,
                env=environment() | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            where = path.relative_to(ROOT)
            message = f"{name}: {where} can't be started ({error.strerror}); `make bench-serving` creates it"
            raise ServerError(message) from error


def environment() -> dict[str, str]:
    """Return the environment variables that all servers get."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(UNSET)}
    return kept | ONE_THREAD | {"PYTHONPATH": str(ROOT)}


def free_ports() -> tuple[int, int]:
    """Return two free ports."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait(name: str, process: Process, port: int, first: Post, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    status = 0
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _ = ask(port, first, first.bodies[0])
            if status == http.HTTPStatus.OK:
                return
        time.sleep(POLL_SECONDS)
    said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise ServerError(
        f"{name}: it did not answer (last status: {status or 'none'}); the end of its output:\n{said}"
    )


def ask(port: int, post: Post, body: bytes) -> tuple[int, bytes]:
    """Post one body; return the status and the body of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    with contextlib.closing(connection):
        connection.request("POST", post.path, body, {"Content-Type": post.content_type, **post.fields})
        answer = connection.getresponse()
        return answer.status, answer.read()


def stop(process: Process) -> None:
    """Stop a server and all its descendants: SIGTERM, then SIGKILL after STOP_SECONDS."""
    # Some servers start their workers in other sessions, so their group can't be signalled.
    family = processes.births(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)
    while left := [member for member, birth in family.items() if processes.is_same(member, birth)]:
        for member in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    process.wait()
