"""HTTP as bytes on a socket, for tests that say exactly what a client sends; the server with a plain app."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tests.server import Server, started
from tests.service.conftest import png

TIMEOUT_SECONDS = 30
ONE_WORKER = {"DIGITS_WORKERS": "1"}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
PLAIN_APP = "tests.service.server.plain_app"


class Received(NamedTuple):
    """A response as it came; the head's text is in small letters."""

    status: int
    head: str
    body: bytes


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """A connection on which a test sends what it likes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS) as client:
        yield client


def responses(client: socket.socket) -> list[Received]:
    """Read until the server closes its side; fails where what comes is not made of responses."""
    data = b"".join(iter(lambda: client.recv(65536), b""))
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        text = head.decode("latin-1").lower()
        assert text.startswith("http/1.1 ")
        size = int(text.partition("content-length: ")[2].partition("\r\n")[0] or 0)
        found.append(Received(int(text.split()[1]), text, data[:size]))
        data = data[size:]
    return found


def exchange(server: Server, data: bytes) -> list[Received]:
    """Send bytes, close this side, and return all responses."""
    with connected(server) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return responses(client)


def statuses(client: socket.socket, number: int) -> list[int]:
    """Read so many responses and return their statuses; fewer if the connection ends before."""
    found, file = [], client.makefile("rb")
    for _ in range(number):
        line = file.readline()
        if not line:
            break
        found.append(int(line.split()[1]))
        length = 0
        while (field := file.readline().strip()) != b"":
            if field.lower().startswith(b"content-length:"):
                length = int(field.split(b":")[1])
        file.read(length)
    return found


def post(body: bytes, path: str = "/predict", headers: str = "") -> bytes:
    """Write a request with a body."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    """Write a request without one."""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def big_photo() -> bytes:
    """A PNG that takes its thread some time."""
    return png(np.random.default_rng(1).integers(0, 256, (1500, 1500)).astype(np.uint8))


@contextmanager
def plain_server(*options: str, **limits: Any) -> Iterator[Server]:  # noqa: ANN401 - JSON
    """Run the server with plain_app.py: one worker with these limits, and gunicorn's options."""
    command = (sys.executable, "-m", "gunicorn", "--config", f"python:{PLAIN_APP}", "--bind", "127.0.0.1:0")
    with started([*command, *options, f"{PLAIN_APP}:app"], {"LIMITS": json.dumps(limits)}) as server:
        yield server
