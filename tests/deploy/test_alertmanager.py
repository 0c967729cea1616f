"""A real Alertmanager sends pages, inhibits less urgent alerts, and receives a real alert."""

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

# The alert needs more than 1.5 exits for each of the two workers.
KILLED = 5


def post(port: int, *alerts: tuple[str, str, str]) -> None:
    """Post alerts (name, severity, job) as Prometheus does."""
    body = [{"labels": {"alertname": name, "severity": level, "job": job}} for name, level, job in alerts]
    address, head = f"http://127.0.0.1:{port}/api/v2/alerts", {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), head)
    urllib.request.urlopen(request, timeout=WAIT_SECONDS).close()  # noqa: S310 - the same


def test_page_inhibits_tickets() -> None:
    """A page inhibits the tickets of its job, but not those of another job."""
    with (
        TemporaryDirectory() as folder,
        receiving() as receiver,
        alertmanager(Path(folder), receiver.server_port) as port,
    ):
        post(port, ("Page", "page", "digits"), ("Kept", "ticket", "digits"), ("Seen", "info", "digits"))
        assert receiver.received.get(timeout=WAIT_SECONDS) == "Page"
        # All notifications about the first three alerts have been sent before this one.
        post(port, ("Ticket", "ticket", "other"))
        assert receiver.received.get(timeout=WAIT_SECONDS) == "Ticket"
    assert receiver.received.empty()


def test_killed_workers_cause_an_alert() -> None:
    """When workers of the real service are killed repeatedly, the receiver gets DigitsWorkersRestart."""
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
        assert receiver.received.get(timeout=WAIT_SECONDS) == "DigitsWorkersRestart"
