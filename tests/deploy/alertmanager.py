"""A real Alertmanager for tests, and a webhook receiver that keeps the notifications."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.deploy.queries import DEPLOY
from tests.deploy.tools import serving


class Receiver(HTTPServer):
    """A webhook that keeps the names of the alerts that it receives."""

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: queue.Queue[str] = queue.Queue()


class Handler(BaseHTTPRequestHandler):
    """Receives one notification."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the names of the alerts."""
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        for alert in document["alerts"]:
            self.server.received.put(alert["labels"]["alertname"])

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def alertmanager(folder: Path, port: int) -> Iterator[int]:
    """Run Alertmanager with the project's configuration, except for the receiver and a shorter group_wait."""
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
