"""A client's connection: what has come and is not yet answered, what is answered and not yet taken.

    received → head, up to the blank line → body, as long as the head said → whole

Nothing here waits: each call uses what is there.
"""

import socket
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException

from service.server.request_head import Head, check_begun

END_OF_HEAD = b"\r\n\r\n"
MOST_HEAD_BYTES = 32 * 2**10
# Enough for a small upload whole, with its head.
RECEIVE_BYTES = 64 * 2**10
# A client that stalls is let go: a request is whole, and an answer is taken, within the first, whether or not
# a byte of it comes now and then; a connection that is being closed is empty within the second.
REQUEST_SECONDS = 60.0
FAREWELL_SECONDS = 2.0
# What every connection is read into, one after the other: there is one loop in a process.
_buffer = memoryview(bytearray(RECEIVE_BYTES))
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class RequestTimeoutError(ParseException):  # type: ignore[misc]  # gunicorn publishes no types
    """A request that was not whole in time."""


class Whole(NamedTuple):
    """A request to answer, and its body; `last` when nothing more can be read from this connection."""

    head: Head
    body: bytes
    last: bool


class Connection:
    """One client, between the socket and the app."""

    def __init__(self, client: socket.socket, address: Any, idle_seconds: float) -> None:  # noqa: ANN401 - as sockets have it
        """Take over an accepted socket."""
        client.settimeout(0)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = client
        self.address = address
        server = client.getsockname()
        self.addresses = {
            "REMOTE_ADDR": address[0],
            "REMOTE_PORT": str(address[1]),
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
        }
        self.idle_seconds = idle_seconds
        self.received = bytearray()
        # How much of it was looked at and is no whole head.
        self.looked_at = 0
        self.outgoing: bytes | memoryview = b""
        self.head: Head | None = None
        self.requests = 0
        # Bytes that memory.py counts for this connection.
        self.kept = 0
        # Behind: more may have come than is answered; no more is read meanwhile.
        self.answering = self.behind = self.last = self.farewell = False
        self.deadline = monotonic() + idle_seconds

    @property
    def idle(self) -> bool:
        """Whether nothing of a request has come, and nothing is left to send."""
        return not (self.received or self.head or self.answering or self.outgoing or self.farewell)

    def receive(self) -> bool:
        """Read what has come; return False when the client is gone, or has no more to say.

        What it had said is answered by then: it is read no further than that (RFC 9112, 9.6).
        """
        try:
            count = self.socket.recv_into(_buffer)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if count and not self.farewell:
            if not self.received and self.head is None:
                self.deadline = monotonic() + REQUEST_SECONDS
            self.received += _buffer[:count]
        return count > 0

    def next_whole(self, read: Callable[[bytes, int], Head], most_bytes: int) -> Whole | None:
        """Return the next request if all of it is there; a body of more than most_bytes is not waited for.

        `read` makes a head of its bytes and its number. Raises what it does for a head that is none.
        """
        head = self.head or self._next_head(read)
        if head is None:
            return None
        if head.length is None or head.length > most_bytes:
            self.head = None
            return Whole(head, b"", last=True)
        if len(self.received) < head.length:
            if self.head is None and head.asks:
                self.send(CONTINUE)
            self.head = head
            return None
        self.head = None
        body = bytes(memoryview(self.received)[: head.length])
        del self.received[: head.length]
        return Whole(head, body, head.last)

    def _next_head(self, read: Callable[[bytes, int], Head]) -> Head | None:
        end = self.received.find(END_OF_HEAD, max(0, self.looked_at - len(END_OF_HEAD) + 1))
        if end < 0 and len(self.received) <= MOST_HEAD_BYTES:
            check_begun(self.received, self.looked_at)
            self.looked_at = len(self.received)
            return None
        if not 0 <= end <= MOST_HEAD_BYTES:
            if b"\n" not in self.received[:MOST_HEAD_BYTES]:
                raise LimitRequestLine(len(self.received))
            raise LimitRequestHeaders(f"a head of more than {MOST_HEAD_BYTES} bytes")
        data = bytes(self.received[: end + len(END_OF_HEAD)])
        del self.received[: len(data)]
        self.looked_at = 0
        self.requests += 1
        return read(data, self.requests)

    def send(self, data: bytes) -> bool:
        """Send what the client takes now and keep the rest for a while; return False when it is gone."""
        held = bool(self.outgoing)
        unsent = self._unsent(data)
        try:
            sent = self.socket.send(unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False
        # A view: what is taken in small pieces is not copied for each.
        self.outgoing = memoryview(unsent)[sent:] if sent < len(unsent) else b""
        if self.outgoing:
            self.answering = False
            if not held:
                self.deadline = monotonic() + REQUEST_SECONDS
        return True

    def _unsent(self, data: bytes) -> bytes | memoryview:
        if not self.outgoing:
            return data
        return bytes(self.outgoing) + data if data else self.outgoing

    def forget_request(self) -> None:
        """Forget what has come of a request."""
        self.received.clear()
        self.head = None
        self.looked_at = 0
        self.behind = False

    def answered(self) -> None:
        """Wait for the next request from here on."""
        self.answering = False
        self.deadline = monotonic() + (REQUEST_SECONDS if self.received else self.idle_seconds)

    def say_farewell(self) -> None:
        """Send no more; what the client still sends is read and forgotten, so that it gets its answer.

        Closing at once would reset the connection, and the answer on its way with it (RFC 9112, 9.6).
        """
        self.farewell = True
        self.answering = False
        self.forget_request()
        self.deadline = monotonic() + FAREWELL_SECONDS
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.deadline = 0.0
