"""A client's connection: buffers what it sends until a request is complete, and what it has not taken yet.

    receive → received → next_request: head, up to the blank line; body, of the length that the head says
    send → unsent, which is sent when the client takes more

Nothing here blocks: each call uses what is there.
"""

import socket
from enum import Enum, auto
from time import monotonic
from typing import Any, NamedTuple

from gunicorn.http.errors import ParseException

from service.server.request_head import MAX_HEAD_BYTES, RequestHead, check_partial_head, parse_head

END_OF_HEAD = b"\r\n\r\n"
# Enough for a small upload with its head.
RECEIVE_BYTES = 64 * 2**10
# The time for a client to close its side after its last response.
LINGER_SECONDS = 2.0
# All connections are read into this one after the other: a process has one event loop.
_buffer = memoryview(bytearray(RECEIVE_BYTES))
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NOTHING = memoryview(b"")


class RequestTimeoutError(ParseException):  # type: ignore[misc]  # gunicorn publishes no types
    """A request that was not complete in time."""


class Timeouts(NamedTuple):
    """How long a client may take, in seconds; single bytes extend neither.

    keep_alive    between two requests, and before the first
    request       until its request is complete, and until it has taken the response
    """

    keep_alive: float
    request: float


class Request(NamedTuple):
    """A complete request."""

    head: RequestHead
    body: bytes


class State(Enum):
    """The state of a connection."""

    RECEIVING = auto()  # waits for a request, or for the rest of one
    ANSWERING = auto()  # its request is queued or being answered
    SENDING = auto()  # the client has not taken the whole response yet
    PIPELINED = auto()  # more was received than is answered: no more is read until that is (back-pressure)
    LINGERING = auto()  # the last response is sent; the rest is read and discarded (RFC 9112, 9.6)


class Connection:
    """One client, between the socket and the app."""

    def __init__(self, client: socket.socket, address: Any, timeouts: Timeouts) -> None:  # noqa: ANN401 - as sockets have it
        """Take over an accepted socket."""
        client.settimeout(0)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = client
        self.address = address
        server = client.getsockname()
        self.addresses = {"REMOTE_ADDR": address[0], "REMOTE_PORT": str(address[1])}
        self.addresses |= {"SERVER_NAME": server[0], "SERVER_PORT": str(server[1])}
        self.timeouts = timeouts
        self.state = State.RECEIVING
        self.deadline = monotonic() + timeouts.keep_alive
        self.received = bytearray()
        # The number of its bytes that were searched for the end of a head.
        self.searched = 0
        # A complete head whose body is not complete.
        self.head: RequestHead | None = None
        self.request_count = 0
        self.unsent = NOTHING
        self.close_after_response = False
        # What ConnectionTable keeps for this connection: the bytes that it counts, and the events it watches.
        self.counted_bytes = self.events = 0

    @property
    def closed(self) -> bool:
        """Whether its socket is closed."""
        return self.socket.fileno() < 0

    @property
    def idle(self) -> bool:
        """Whether it waits for the first byte of a request."""
        return self.state is State.RECEIVING and not self.received and self.head is None

    @property
    def eviction_priority(self) -> tuple[bool, float]:
        """The eviction priority: the longest-waiting connection goes first, the lowest being the first.

        Connections whose requests are being answered go last.
        """
        seconds = self.timeouts.keep_alive if self.idle else self.timeouts.request
        return self.state is State.ANSWERING, self.deadline - seconds

    @property
    def buffered_bytes(self) -> int:
        """The bytes of partial requests and of unsent responses."""
        return len(self.received) + len(self.unsent)

    def receive(self) -> bool:
        """Read what has arrived; return False when the client has closed its side, or the connection is lost.

        Complete requests are answered before more is read, so none is lost when the client closes its side.
        """
        try:
            count = self.socket.recv_into(_buffer)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if count and self.state is not State.LINGERING:
            if self.idle:
                self.deadline = monotonic() + self.timeouts.request
            self.received += _buffer[:count]
        return count > 0

    def next_head(self, cfg: Any) -> RequestHead | None:  # noqa: ANN401 - gunicorn's, untyped
        """Parse the next head and return it, if it is complete and the previous request is, too.

        Raises gunicorn's ParseException for a head that is refused, also for one that is not complete.
        """
        if self.head:
            return None
        begin, stop = max(0, self.searched - len(END_OF_HEAD) + 1), MAX_HEAD_BYTES + len(END_OF_HEAD)
        end = self.received.find(END_OF_HEAD, begin, stop)
        if end < 0:
            check_partial_head(self.received, self.searched)
            self.searched = len(self.received)
            return None
        data = bytes(self.received[: end + len(END_OF_HEAD)])
        del self.received[: len(data)]
        self.searched = 0
        self.request_count += 1
        self.head = parse_head(data, cfg, self.address, self.request_count)
        return self.head

    def next_request(self, max_body_bytes: int) -> Request | None:
        """Return the next request if it is complete; a body of more than max_body_bytes is not waited for.

        Notes whether the connection ends with its response.
        """
        head = self.head
        if head is None:
            return None
        length = head.content_length
        if length is None or length > max_body_bytes:
            self.head = None
            self.close_after_response = True
            return Request(head, b"")
        if len(self.received) < length:
            if head.expects_continue:
                self.send(CONTINUE)
                self.head = head._replace(expects_continue=False)
            return None
        self.head = None
        self.close_after_response = head.close
        body = bytes(memoryview(self.received)[:length])
        del self.received[:length]
        return Request(head, body)

    def send(self, data: bytes) -> bool:
        """Send as much as the client takes now, and keep the rest; return False if the connection is lost."""
        was_sending = bool(self.unsent)
        if data:
            self.unsent = memoryview(bytes(self.unsent) + data if was_sending else data)
        try:
            sent = self.socket.send(self.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False
        # A view copies nothing, however small the pieces are; an empty view would still hold the response.
        self.unsent = self.unsent[sent:] or NOTHING
        if self.unsent and not was_sending:
            self.deadline = monotonic() + self.timeouts.request
        return True

    def end_response(self) -> None:
        """Wait for the next request, of which a part or all may have been received, or linger."""
        if self.close_after_response:
            self._linger()
            return
        self.state = State.PIPELINED if self.received else State.RECEIVING
        self.deadline = monotonic() + (self.timeouts.request if self.received else self.timeouts.keep_alive)

    def _linger(self) -> None:
        """Close this side after the last response, and wait for the client to close its own (RFC 9112, 9.6).

        If the socket were closed at once, what the client still sends would reset the connection, and the
        response would be lost on its way.
        """
        self.state = State.LINGERING
        self.received.clear()
        self.deadline = monotonic() + LINGER_SECONDS
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.deadline = 0.0
