"""WSGI (PEP 3333): what the app is told of a request, and its answer as bytes.

An answer is complete before its first byte is sent. So its length is always known.
"""

import sys
from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from time import time
from typing import Any, NamedTuple

from service.server.request_head import Head

NAME = "digits"
SAME_FOR_ALL: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": NAME,
    "wsgi.errors": sys.stderr,
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    # There is nothing after the body, even where its length is not said (werkzeug's extension).
    "wsgi.input_terminated": True,
}
NO_BODY = frozenset({204, 304})
Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]


class Begun(NamedTuple):
    """An answer whose status and headers are there; its body is written when it is asked for."""

    started: list[Any]
    chunks: Iterable[bytes]


def begin(app: App, head: Head, body: bytes, addresses: dict[str, str]) -> Begun:
    """Let the app begin to answer a request; addresses are the environ's REMOTE_ and SERVER_ variables."""
    environ = {
        **SAME_FOR_ALL,
        **addresses,
        **head.fields,
        "REQUEST_METHOD": head.method,
        "PATH_INFO": head.path,
        "QUERY_STRING": head.query,
        "SERVER_PROTOCOL": head.protocol,
        "wsgi.url_scheme": head.scheme,
        "wsgi.input": BytesIO(body),
    }
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        started[:] = status, headers

    chunks = app(environ, start_response)
    return Begun(started, chunks)


def finish(begun: Begun, *, last: bool) -> bytes:
    """Let the app end its answer; `last` tells the client that the connection ends with it."""
    try:
        content = b"".join(begun.chunks)
    finally:
        if hasattr(begun.chunks, "close"):
            begun.chunks.close()
    return as_bytes(begun.started[0], begun.started[1], content, last=last)


def as_bytes(status: str, headers: list[tuple[str, str]], content: bytes, *, last: bool) -> bytes:
    r"""Write an answer as HTTP/1.1 has it.

    >>> as_bytes("404 NOT FOUND", [], b"no", last=True).split(b"\r\n")[::3]
    [b'HTTP/1.1 404 NOT FOUND', b'Connection: close', b'no']
    """
    lines = [_first_lines(status, int(time()), last=last)]
    lines += [f"{name}: {value}" for name, value in headers]
    if int(status[:3]) not in NO_BODY and not any(name.lower() == "content-length" for name, _ in headers):
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


@lru_cache(64)
def _first_lines(status: str, seconds: int, *, last: bool) -> str:
    connection = "close" if last else "keep-alive"
    date = formatdate(seconds, usegmt=True)
    return f"HTTP/1.1 {status}\r\nServer: {NAME}\r\nDate: {date}\r\nConnection: {connection}"
