"""A real Alertmanager tells of a page, keeps back what is less urgent, and hears of a real alert."""

import json
import os
import signal
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deploy.alertmanager import alertmanager, receiving
from tests.deploy.prometheus import prometheus
from tests.deploy.tools import WAIT_SECONDS
from tests.needs import need
from tests.server import running

# More than one and a half for each of two workers.
KILLED = 5


def post(port: int, *alerts: tuple[str, str, str]) -> None:
    """Post alerts (name, severity, job) as Prometheus does."""
    body = [{"labels": {"alertname": name, "severity": level, "job": job}} for name, level, job in alerts]
    address, head = f"http://127.0.0.1:{port}/api/v2/alerts", {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), head)
    urllib.request.urlopen(request, timeout=WAIT_SECONDS).close()  # noqa: S310 - the same


def test_a_page_is_told_and_its_tickets_are_not() -> None:
    """Of a page and a ticket for one job the page alone arrives; a ticket for another job arrives, too."""
    with (
        TemporaryDirectory() as folder,
        receiving() as receiver,
        alertmanager(Path(folder), receiver.server_port) as port,
    ):
        post(port, ("Page", "page", "digits"), ("Kept", "ticket", "digits"), ("Seen", "info", "digits"))
        assert receiver.told.get(timeout=WAIT_SECONDS) == "Page"
        # Whatever was to be told of the first three has been told before this.
        post(port, ("Ticket", "ticket", "other"))
        assert receiver.told.get(timeout=WAIT_SECONDS) == "Ticket"
    assert receiver.told.empty()


def test_workers_that_end_again_and_again_are_told() -> None:
    """The real service's workers are killed; by Prometheus's rule, the receiver hears of it."""
    need("prometheus")
    need("prometheus-alertmanager")
    with (
        TemporaryDirectory() as own,
        TemporaryDirectory() as other,
        running() as server,
        receiving() as receiver,
        alertmanager(Path(own), receiver.server_port) as port,
        prometheus(Path(other), [server.port], alertmanager=port) as watcher,
    ):
        workers = server.wait_for_workers(2)
        watcher.wait_for_targets(1)
        for _ in range(KILLED):
            os.kill(workers.pop(0), signal.SIGKILL)
            workers += server.wait_for_workers(1)
        assert receiver.told.get(timeout=WAIT_SECONDS) == "DigitsWorkersRestart"
