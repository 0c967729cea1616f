"""The real service for tests: gunicorn in a process of its own, on a free port of this machine."""

import http.client
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
GUNICORN = ("gunicorn", "--config", "service/gunicorn.conf.py")
# Each WSGI server that the service is tested under: its command, and the settings that choose it.
SERVERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "our worker": (GUNICORN, {}),
    "gthread": (GUNICORN, {"DIGITS_WORKER_CLASS": "gthread", "DIGITS_THREADS": "4"}),
    "flask run": (("flask", "--app", "service.app", "run", "--port", "0"), {}),
}
START_SECONDS = 30
STOP_SECONDS = 40


class Server:
    """A running service: its port, its workers' process ids, and all that it has logged."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Follow the process's log until it listens."""
        self.process = process
        self.log: list[str] = []
        self._news: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        listening = self.wait_for(r"(?:Listening at:|Running on) http://127\.0\.0\.1:(\d+)")
        self.port = int(listening.group(1))

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._news.put(line)
        self._news.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first match in the log from here on; fail with the log when it ends before."""
        while True:
            line = self._news.get(timeout=START_SECONDS)
            if line is None:
                raise AssertionError("the service ended:\n" + "".join(self.log))
            self.log.append(line)
            found = re.search(pattern, line)
            if found:
                return found

    def wait_for_workers(self, number: int) -> list[int]:
        """Return the process ids of the next so many workers to boot."""
        return [int(self.wait_for(r"Booting worker with pid: (\d+)").group(1)) for _ in range(number)]

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)

    def get(self, path: str) -> tuple[int, str]:
        """GET a path: status and text."""
        connection = self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def stop(self) -> int:
        """End it as an operator would, and return its exit code; harmless when it has ended."""
        self.process.terminate()
        code = self.process.wait(timeout=STOP_SECONDS)
        self._reader.join()
        while not self._news.empty():
            line = self._news.get()
            if line is not None:
                self.log.append(line)
        return code


def post_png(
    connection: http.client.HTTPConnection, png: bytes, path: str = "/predict"
) -> tuple[int, dict[str, Any]]:
    """POST one PNG over an open connection: status and document."""
    connection.request("POST", path, png, {"Content-Type": "image/png"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@contextmanager
def started(command: Sequence[str], settings: Mapping[str, str], root: Path = ROOT) -> Iterator[Server]:
    """Run a server's command with these variables until the block ends."""
    process = subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        server = Server(process)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def running(
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
    root: Path = ROOT,
    under: str = "our worker",
) -> Iterator[Server]:
    """Run the service with these settings, on a free port, under one of SERVERS, until the block ends."""
    command, settings = SERVERS[under]
    local = {"DIGITS_HOST": "127.0.0.1", "DIGITS_PORT": "0"}
    with started([python, "-m", *command], {**local, **settings, **(environment or {})}, root) as server:
        yield server
