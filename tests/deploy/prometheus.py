"""A real Prometheus for tests: it scrapes a running service, and judges by the project's rules."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.deploy.queries import DEPLOY
from tests.deploy.tools import ENVIRONMENT, need

WAIT_SECONDS = 30
# So short that a test need not wait; the rules' windows are long enough for any interval.
CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: ['{rules}/*.yml']
scrape_configs: [{{job_name: digits, static_configs: [{{targets: [{targets}]}}]}}]
"""


class Prometheus:
    """A running Prometheus, and what it says."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        """Wait until it answers."""
        self.process, self.port = process, port
        self.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, "Prometheus has ended"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Ask again and again, for a bounded time."""
        give_up = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < give_up, "Prometheus takes too long"
            time.sleep(0.1)

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """Ask its HTTP API, which must be content with the question."""
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=WAIT_SECONDS) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and the value of each series that an expression gives now."""
        result = self.get("query", query=expression)["result"]
        return [(entry["metric"], float(entry["value"][1])) for entry in result]

    def values(self, expression: str, label: str) -> dict[str, float]:
        """Return the values that an expression gives now, by a label."""
        return {labels[label]: value for labels, value in self.query(expression)}

    def wait_for_scrapes(self, number: int) -> None:
        """Wait for so many scrapes, of each target, that begin from now on."""
        now = time.time()

        def enough() -> bool:
            # The first may have begun before.
            found = self.query(f"count_over_time(up[{1 + round(1e3 * (time.time() - now))}ms])")
            return bool(found) and all(value > number for _, value in found)

        self.wait_until(enough)

    def wait_for_rules(self) -> None:
        """Wait until every group of rules has been judged, from now on."""
        now = datetime.now(UTC)
        self.wait_until(
            lambda: all(
                datetime.fromisoformat(group["lastEvaluation"]) > now for group in self.get("rules")["groups"]
            )
        )


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def prometheus(folder: Path, targets: list[int]) -> Iterator[Prometheus]:
    """Run Prometheus on services at these ports, with its data in a folder, until the block ends."""
    program = need("prometheus")
    names = ", ".join(f"'127.0.0.1:{port}'" for port in targets)
    text = CONFIGURATION.format(rules=DEPLOY / "prometheus" / "rules", targets=names)
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")
    port = free_port()
    command = [
        *(program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"),
    ]
    with subprocess.Popen(command, env=ENVIRONMENT, cwd=folder) as process:
        try:
            yield Prometheus(process, port)
        finally:
            process.terminate()
            try:
                process.wait(timeout=WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
