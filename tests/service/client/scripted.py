"""A server that sends the responses it is told to: the real service can't be made to fail on demand."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

SEVEN = b"""{"digit": 7, "confidence": 1.0, "probabilities": [0, 0, 0, 0, 0, 0, 0, 1.0, 0, 0],
    "prediction_set": [7], "abstained": false, "model": {"name": "digits", "version": "1"}}"""


class Response(NamedTuple):
    """A response to send."""

    status: int = 200
    content: bytes = SEVEN
    headers: tuple[tuple[str, str], ...] = ()


BREAK_CONNECTION = Response(status=0)


class Received(NamedTuple):
    """A request: its path, the client's port, and its body."""

    path: str
    port: int
    body: bytes


class ScriptedServer(ThreadingHTTPServer):
    """Sends one response of the script after the other, and keeps the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Response] = []
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers with the next response of the script."""

    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def do_POST(self) -> None:
        """Read the request, and answer it or close the connection."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(Received(self.path, self.client_address[1], body))
        response = self.server.script.pop(0)
        if response is BREAK_CONNECTION:
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in (*response.headers, ("Content-Length", str(len(response.content)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""
