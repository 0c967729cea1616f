"""A real Alertmanager tells the receiver of a page, and keeps back what is less urgent."""

import json
import queue
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.deploy.queries import DEPLOY
from tests.deploy.tools import WAIT_SECONDS, serving


class Receiver(HTTPServer):
    """Whoever takes alerts: it keeps the names of those that it is told of."""

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: queue.Queue[str] = queue.Queue()


class Handler(BaseHTTPRequestHandler):
    """Takes one notification."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the alerts' names."""
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        for alert in document["alerts"]:
            self.server.told.put(alert["labels"]["alertname"])

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that listens until the test is over."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def alertmanager(folder: Path, port: int) -> Iterator[int]:
    """Run Alertmanager with the project's configuration, but for the receiver and for how long it waits."""
    text = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    for there, here in [
        ("http://receiver:9095/", f"http://127.0.0.1:{port}/"),
        ("group_wait: 30s", "group_wait: 500ms"),
    ]:
        assert there in text
        text = text.replace(there, here)
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    options = ("--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=")
    with serving("prometheus-alertmanager", folder, *options) as own:
        yield own


def post(port: int, *alerts: tuple[str, str, str]) -> None:
    """Post alerts (name, severity, job) as Prometheus does."""
    body = [{"labels": {"alertname": name, "severity": level, "job": job}} for name, level, job in alerts]
    address, head = f"http://127.0.0.1:{port}/api/v2/alerts", {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), head)
    urllib.request.urlopen(request, timeout=WAIT_SECONDS).close()  # noqa: S310 - the same


def test_a_page_is_told_and_its_tickets_are_not(receiver: Receiver) -> None:
    """Of a page and a ticket for one job the page alone arrives; a ticket for another job arrives, too."""
    with TemporaryDirectory() as folder, alertmanager(Path(folder), receiver.server_port) as port:
        post(port, ("Page", "page", "digits"), ("Kept", "ticket", "digits"), ("Seen", "info", "digits"))
        assert receiver.told.get(timeout=WAIT_SECONDS) == "Page"
        # Whatever was to be told of the first three has been told before this.
        post(port, ("Ticket", "ticket", "other"))
        assert receiver.told.get(timeout=WAIT_SECONDS) == "Ticket"
    assert receiver.told.empty()
