"""A WSGI app, and the server with nothing of the service: gunicorn's configuration, too.

    python -m gunicorn --config python:tests.service.server.plain_app tests.service.server.plain_app:app

Each path is a way in which an app may answer; LIMITS in the environment are the worker's, as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from service.server.dispatcher import Limits
from service.server.event_loop import EventLoopWorker
from service.server.request_head import RequestHead
from service.shared_memory.worker_table import WORKERS

TEXT = [("Content-Type", "text/plain")]
LARGE_BYTES = 8_000_000
closed: list[str] = []
no_fields: dict[str, str] = {}


class Early:
    """Early responses that name the error."""

    def unreadable(self, error: Exception, client: str) -> bytes:
        """Name the error and the client."""
        return self._response("400 Bad Request", f"{type(error).__name__} {client}", close=True)

    def overload(self, head: RequestHead) -> bytes:
        """Name the path."""
        return self._response("503 Service Unavailable", head.path, close=head.close)

    def _response(self, status: str, text: str, *, close: bool) -> bytes:
        connection = "Connection: close\r\n" if close else ""
        return f"HTTP/1.1 {status}\r\n{connection}Content-Length: {len(text)}\r\n\r\n{text}".encode()


class PlainWorker(EventLoopWorker):
    """The server's worker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """Have the limits of the environment."""
        super().__init__(*args, **kwargs)
        given = {"max_body_bytes": 2**20, "max_pending_requests": 20, "small_body_bytes": 100}
        self.limits = Limits(**given | json.loads(os.environ.get("LIMITS", "{}")))
        self.early_responses = Early()


worker_class = PlainWorker


def pre_fork(_: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn's own
    """Take a row of the worker table."""
    worker.row = WORKERS.take()


def post_fork(_: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn's own
    """Enter it."""
    WORKERS.enter(worker.row)


def child_exit(_: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn's own
    """Free it."""
    WORKERS.free(worker.row)


def app(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own
    """Answer in the way that the path names."""
    return PATHS[environ["PATH_INFO"]](environ, start_response)


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
    """Answer with the environ, and the body as text."""
    said = {name: value for name, value in environ.items() if isinstance(value, str)}
    said["body"] = environ["wsgi.input"].read().decode("latin-1")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]


def late(_: Any, start_response: Any) -> Iterator[bytes]:  # noqa: ANN401 - WSGI's own
    """Call start_response when the body is iterated, as PEP 3333 allows."""
    start_response("201 Created", TEXT)
    yield b"la"
    yield b"te"


def write(_: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
    """Write a part of the body, and return the rest."""
    send = start_response("200 OK", TEXT)
    send(b"written, ")
    send(b"then ")
    return [b"returned"]


def replaced(_: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
    """Fail before there is a body, and answer otherwise."""
    start_response("200 OK", [*TEXT, ("X-First", "yes")])
    try:
        no_fields["mistake"]
    except KeyError:
        start_response("404 Not Found", TEXT, sys.exc_info())
    return [b"replaced"]


def too_late(_: Any, start_response: Any) -> Iterator[bytes]:  # noqa: ANN401 - WSGI's own
    """Fail when there is a part of the body."""
    start_response("200 OK", TEXT)
    yield b"a part"
    try:
        no_fields["mistake"]
    except KeyError:
        start_response("404 Not Found", TEXT, sys.exc_info())


def twice(_: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
    """Call start_response again for no reason."""
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return [b"twice"]


def silent(_: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401, ARG001 - WSGI's own
    """Never call start_response."""
    return [b"silent"]


def fails(_: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401, ARG001 - WSGI's own
    """Fail when it is called."""
    raise KeyError("mistake")


class Closing:
    """A body that remembers that it was closed, though it fails when it is iterated."""

    def __iter__(self) -> Iterator[bytes]:
        """Fail."""
        raise KeyError("mistake")

    def close(self) -> None:
        """Remember it."""
        closed.append("closed")


def closing(_: Any, start_response: Any) -> Closing:  # noqa: ANN401 - WSGI's own
    """Return a body that must be closed."""
    start_response("200 OK", TEXT)
    return Closing()


def how_many_closed(_: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
    """Answer how many bodies were closed in this process."""
    start_response("200 OK", TEXT)
    return [str(len(closed)).encode()]


def no_content(_: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
    """Return a body with a status that has none."""
    start_response("204 No Content", [])
    return [b"not to be sent"]


def large(_: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
    """Return a large body."""
    start_response("200 OK", TEXT)
    return [bytes(LARGE_BYTES)]


def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
    """Take as many seconds as the query says."""
    time.sleep(float(environ["QUERY_STRING"]))
    start_response("200 OK", TEXT)
    return [b"slow"]


PATHS: dict[str, Callable[[Any, Any], Any]] = {
    "/echo": echo,
    "/late": late,
    "/write": write,
    "/replaced": replaced,
    "/too-late": too_late,
    "/twice": twice,
    "/silent": silent,
    "/fails": fails,
    "/closing": closing,
    "/closed": how_many_closed,
    "/no-content": no_content,
    "/large": large,
    "/slow": slow,
}
