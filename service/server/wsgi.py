"""WSGI (PEP 3333): calls the app for a request, and writes its response as bytes.

A response is complete before its first byte is sent, so its length is always known, and an app that fails
half way through still gets a proper error response. Calling the app and iterating its body are two steps: the
dispatcher calls the app for all queued requests first, so that the app can work on all of them at once.
"""

import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from types import TracebackType
from typing import Any

import gunicorn
from gunicorn.util import http_date

from service.server.connection import Request

BASE_ENVIRON: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.errors": sys.stderr,
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    # Werkzeug's extension: wsgi.input ends with the body, even where Content-Length is missing.
    "wsgi.input_terminated": True,
}
STATUSES_WITHOUT_BODY = frozenset({204, 304})
Headers = list[tuple[str, str]]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def environ_of(request: Request, addresses: dict[str, str]) -> dict[str, Any]:
    """Return the WSGI environ of a request; addresses are its REMOTE_ and SERVER_ variables."""
    head = request.head
    return {
        **BASE_ENVIRON,
        "SERVER_SOFTWARE": gunicorn.SERVER,
        **addresses,
        **head.fields,
        "REQUEST_METHOD": head.method,
        "PATH_INFO": head.path,
        "QUERY_STRING": head.query,
        "SERVER_PROTOCOL": head.protocol,
        "wsgi.url_scheme": head.scheme,
        "wsgi.input": BytesIO(request.body),
    }


class PendingResponse:
    """The response of an app that was called, and whose body is not iterated yet."""

    def __init__(self, app: App, environ: dict[str, Any]) -> None:
        """Call the app; what it raises is raised again by `finish`."""
        self.status: str | None = None
        self.headers: Headers = []
        self.body: list[bytes] = []
        self.is_head = environ["REQUEST_METHOD"] == "HEAD"
        self.error: Exception | None = None
        try:
            self.iterable = app(environ, self.start_response)
        except Exception as error:  # noqa: BLE001 - it must not end the event loop
            self.error = error

    def start_response(
        self, status: str, headers: Headers, exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """Keep the status and headers; return `write`, which appends to the body.

        A second call needs exc_info. It replaces the first one, or raises the error again if there is a part
        of the body already.
        """
        if exc_info and any(self.body):
            raise exc_info[1].with_traceback(exc_info[2])
        if self.status is not None and not exc_info:
            raise RuntimeError("the app called start_response twice, the second time without exc_info")
        self.status, self.headers = status, headers
        return self.body.append

    def finish(self, *, close: bool) -> bytes:
        """Iterate the body and return the response as bytes; `close` announces the end of the connection.

        Raises what the app raises, and RuntimeError if it has not called start_response.
        """
        if self.error:
            raise self.error
        try:
            for chunk in self.iterable:
                self.body.append(chunk)
        finally:
            if hasattr(self.iterable, "close"):
                self.iterable.close()
        if self.status is None:
            raise RuntimeError("the app did not call start_response before the end of its body")
        body = b"".join(self.body)
        return response_bytes(self.status, self.headers, body, close=close, is_head=self.is_head)


def response_bytes(
    status: str, headers: Headers, body: bytes, *, close: bool, is_head: bool = False
) -> bytes:
    r"""Return a response in HTTP/1.1; to HEAD, one with the headers that GET would give, and no body.

    >>> response_bytes("404 NOT FOUND", [], b"no", close=True).split(b"\r\n")[::3]
    [b'HTTP/1.1 404 NOT FOUND', b'Connection: close', b'no']
    """
    lines = [f"HTTP/1.1 {status}", f"Server: {gunicorn.SERVER}", f"Date: {http_date()}"]
    lines.append(f"Connection: {'close' if close else 'keep-alive'}")
    lines += [f"{name}: {value}" for name, value in headers]
    has_length = any(name.lower() == "content-length" for name, _ in headers)
    if int(status[:3]) in STATUSES_WITHOUT_BODY:
        body = b""
    elif not has_length and (body or not is_head):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if is_head else body)
