"""A real Prometheus for tests: it scrapes running services and evaluates the project's rules."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.deploy.queries import DEPLOY
from tests.deploy.tools import WAIT_SECONDS, serving, wait_until

# Short intervals, so that tests need not wait; the windows of the rules allow any interval.
CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: ['{rules}/*.yml']
alerting: {{alertmanagers: [{{static_configs: [{{targets: [{alertmanagers}]}}]}}]}}
scrape_configs: [{{job_name: digits, static_configs: [{{targets: [{targets}]}}]}}]
"""


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        """Remember the port."""
        self.port = port

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """GET a path of the HTTP API; fail with its error message."""
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=WAIT_SECONDS) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and the value of each series of an expression."""
        result = self.get("query", query=expression)["result"]
        return [(entry["metric"], float(entry["value"][1])) for entry in result]

    def values(self, expression: str, label: str) -> dict[str, float]:
        """Return the values of an expression, by a label."""
        return {labels[label]: value for labels, value in self.query(expression)}

    def wait_for_targets(self, number: int) -> None:
        """Wait until this many services have been scraped."""
        wait_until(lambda: len(self.query("up == 1")) == number)

    def wait_for_scrapes(self, number: int) -> None:
        """Wait until each target has been scraped this often from now on."""
        now = time.time()

        def enough() -> bool:
            # One more, because the first may have begun before.
            found = self.query(f"count_over_time(up[{1 + round(1e3 * (time.time() - now))}ms])")
            return bool(found) and all(value > number for _, value in found)

        wait_until(enough)

    def wait_for_rules(self) -> None:
        """Wait until every group of rules has been evaluated from now on."""
        now = datetime.now(UTC)
        wait_until(
            lambda: all(
                datetime.fromisoformat(group["lastEvaluation"]) > now for group in self.get("rules")["groups"]
            )
        )


@contextmanager
def prometheus(folder: Path, targets: list[int], alertmanager: int | None = None) -> Iterator[Prometheus]:
    """Run Prometheus on services at these ports, with its data in a folder, until the block ends.

    It sends alerts to the Alertmanager at this port, if there is one.
    """
    names = ", ".join(f"'127.0.0.1:{port}'" for port in targets)
    text = CONFIGURATION.format(
        rules=DEPLOY / "prometheus" / "rules",
        targets=names,
        alertmanagers=f"'127.0.0.1:{alertmanager}'" if alertmanager else "",
    )
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")
    options = ("--config.file=prometheus.yml", "--storage.tsdb.path=data")
    with serving("prometheus", folder, *options) as port:
        yield Prometheus(port)
