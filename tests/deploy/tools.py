"""External programs that these tests run; tests are skipped if one is not installed."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import need

WAIT_SECONDS = 30
# One core for each program: other tests run at the same time.
ENVIRONMENT = {**os.environ, "GOMAXPROCS": "1"}


def check(program: str, *arguments: str | Path) -> None:
    """Run a program, which must succeed."""
    done = subprocess.run(
        [need(program), *arguments], capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail after WAIT_SECONDS."""
    give_up = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < give_up, f"the condition did not hold within {WAIT_SECONDS} s"
        time.sleep(0.1)


@contextmanager
def serving(program: str, folder: Path, *options: str) -> Iterator[int]:
    """Run one of Prometheus's programs in a folder, on a free port; yield the port when it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    def is_ready() -> bool:
        assert process.poll() is None, f"{program} has exited"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    command = [need(program), *options, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with subprocess.Popen(command, env=ENVIRONMENT, cwd=folder) as process:
        try:
            wait_until(is_ready)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(timeout=WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
