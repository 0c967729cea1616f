"""Draw the dashboards as they look after two minutes of traffic, from the data of a real Prometheus.

    python -m scripts.dashboard_pictures [OUT_DIR]     draws each dashboard, by default into docs/images

The service runs with two workers and gets mixed traffic. Prometheus scrapes it and evaluates the project's
rules. The queries of each panel are read from the dashboard's JSON, so the pictures follow the dashboards.
matplotlib draws the panels, so no Grafana server is needed.
"""

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from scripts.panels import Panel, Series, draw
from scripts.traffic import Traffic
from scripts.walkthrough_plots import FOLDER
from tests.deploy.prometheus import Prometheus, prometheus
from tests.deploy.queries import dashboards, filled_in, panels
from tests.deploy.traffic import Sent, tell
from tests.server import running

NAMES = ("service", "model")
SECONDS, STEP_SECONDS = 120.0, 1
# Grafana would use at least a minute, which is half of the whole time.
RATE_INTERVAL = "10s"
SETTINGS = {"DIGITS_WORKERS": "2", "DIGITS_LOG_REQUESTS": "no", "DIGITS_FEEDBACK": "yes"}
# Images whose true digit is reported to POST /feedback.
FEEDBACK = 40


class Watched(NamedTuple):
    """Prometheus, and the begin and end of the traffic that it scraped, in seconds since 1970."""

    prometheus: Prometheus
    begin: float
    end: float


@contextmanager
def watched(seconds: float) -> Iterator[Watched]:
    """Run the service and Prometheus, send traffic, and wait until all rules have been evaluated."""
    with (
        TemporaryDirectory(prefix="digits-dashboards-") as folder,
        running(SETTINGS) as server,
        prometheus(Path(folder), [server.port]) as watcher,
    ):
        workers = server.wait_for_workers(2)
        watcher.wait_for_targets(1)
        traffic = Traffic(server, seconds)
        traffic.send(workers[0])
        for image in traffic.digits[:FEEDBACK]:
            tell(server, image, Sent())
        # Some rules use the results of rules in another file, so one evaluation is not enough.
        for _ in range(2):
            watcher.wait_for_rules()
        yield Watched(watcher, traffic.begin, time.time())


def ask(watched: Watched, panel: Panel) -> list[Series]:
    """Return the result of each query of a panel."""
    return [series for target in panel["targets"] for series in _ask(watched, target)]


def _ask(watched: Watched, target: dict[str, Any]) -> Iterator[Series]:
    watcher, begin, end = watched
    query = filled_in(target["expr"], RATE_INTERVAL)
    if target.get("instant"):
        found = watcher.get("query", query=query)["result"]
    else:
        span = {"start": f"{begin}", "end": f"{end}", "step": f"{STEP_SECONDS}"}
        found = watcher.get("query_range", query=query, **span)["result"]
    for entry in found:
        points = np.array(entry.get("values") or [entry["value"]], np.float64)
        yield Series(_legend(target, entry["metric"]), points[:, 0] - begin, points[:, 1])


def _legend(target: dict[str, Any], labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda name: labels.get(name[1], ""), target["legendFormat"])


def picture(watched: Watched, name: str, path: Path) -> Path:
    """Draw one dashboard, and return its path."""
    dashboard = dashboards()[name]
    draw(dashboard, [(panel, ask(watched, panel)) for panel in panels(dashboard)], path)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the dashboards into the folder named on the command line."""
    parser = argparse.ArgumentParser(
        "python -m scripts.dashboard_pictures", description="Draw the dashboards."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER / "images", metavar="OUT_DIR")
    folder: Path = parser.parse_args(arguments).folder
    if not shutil.which("prometheus"):
        sys.exit("prometheus is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    with watched(SECONDS) as found:
        for name in NAMES:
            picture(found, name, folder / f"dashboard-{name}.png")


if __name__ == "__main__":
    main()
