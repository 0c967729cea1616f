"""The service under test: started as in production, its log filtered for complaints, within any limits."""

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.serving import processes
from benchmarks.serving.server import environment, free_ports
from tests.server import ROOT

START_SECONDS = 30.0
WORKERS = 2
STOP_SECONDS = 60.0
# Log lines that are no complaint: answered requests, and requests rejected under overload.
USUAL = ('--regexp="level": "info"', '--regexp="status": 503')
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - folders of our own are made in it


class Service:
    """A running service: its processes, its port, its TMPDIR, and the complaints in its log."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, folder: Path, complaints: Path) -> None:
        """Wait until it is ready."""
        self.process, self.port, self.folder, self._complaints = process, port, folder, complaints
        give_up = time.monotonic() + START_SECONDS
        while not (self.is_ready() and len(self.workers()) == WORKERS):
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the service does not start: {self.complaints()}")
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Return whether /readyz answers 200."""
        try:
            return self.get("/readyz", seconds=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str, seconds: float = 30) -> tuple[int, str]:
        """GET a path; return status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metric(self, start: str) -> float:
        """Return the sum of the metric samples whose lines start like this."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(start))

    def workers(self) -> list[int]:
        """Return the process ids of the live workers."""
        members = processes.births(self.process.pid)
        return [member for member, birth in [*members.items()][1:] if processes.is_same(member, birth)]

    def complaints(self) -> list[str]:
        """Return the log lines above level info, and lines that the logger did not write."""
        return self._complaints.read_text(encoding="utf-8", errors="replace").splitlines()

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code; harmless if it has ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS)


@contextmanager
def service(
    settings: Mapping[str, str] | None = None, within: Sequence[str] = (), log: int | None = None
) -> Iterator[Service]:
    """Run the service with two workers until the block ends.

    within    a command that runs it within limits
    log       a file descriptor for its standard output, instead of the filtered log
    """
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as name:
        folder = Path(name)
        (folder / "files").mkdir()
        variables = {"DIGITS_HOST": "127.0.0.1", "DIGITS_PORT": str(free_ports()[0]), **(settings or {})}
        variables.setdefault("TMPDIR", str(folder / "files"))
        complaints = folder / "complaints.txt"
        with complaints.open("wb") as file:
            reader = subprocess.Popen(
                ["/bin/grep", "--line-buffered", "--invert-match", *USUAL],
                stdin=subprocess.PIPE,
                stdout=file,
            )
            assert reader.stdin  # noqa: S101 - it was asked for
            process = subprocess.Popen(
                [*within, sys.executable, "-m", "gunicorn", "--config", "service/gunicorn.conf.py"],
                cwd=ROOT,
                env=environment() | variables,
                stdout=reader.stdin if log is None else log,
                stderr=reader.stdin,
            )
            reader.stdin.close()
            try:
                yield Service(process, int(variables["DIGITS_PORT"]), Path(variables["TMPDIR"]), complaints)
            finally:
                _end(process)
                reader.wait()


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for member in processes.tree(process.pid):
            os.kill(member, signal.SIGKILL)
        process.wait()
