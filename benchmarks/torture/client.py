"""A load generator that checks every response: each of its connections sends a request, waits, and repeats.

Every request ends in one of three ways, and all are counted:

    answered    a response arrived, correct or wrong
    cut off     the connection ended before the response was complete
    late        no response arrived within PATIENCE_SECONDS

One thread serves all connections, so that many connections cost little processor time.
"""

import errno
import re
import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from types import TracebackType
from typing import NamedTuple, Self

PATIENCE_SECONDS = 30.0
PIECE_SECONDS = 0.1
TURN_SECONDS = 0.05
# How soon a refused connection is tried again.
REFUSED_SECONDS = 0.02
RECEIVE_BYTES = 2**18
MOST_NOTES = 20
HEAD = re.compile(rb"HTTP/1\.1 (\d\d\d) [^\r]*\r\n(.*?\r\n)\r\n", re.DOTALL)
LENGTH = re.compile(rb"^content-length: (\d+)\r$", re.IGNORECASE | re.MULTILINE)
CLOSE = re.compile(rb"^connection: close\r$", re.IGNORECASE | re.MULTILINE)
RETRY_AFTER = re.compile(rb"^retry-after: \d+\r$", re.IGNORECASE | re.MULTILINE)
UNAVAILABLE = 503


class Request(NamedTuple):
    """A request: its bytes, the statuses that are correct, and what the body of a 200 must contain.

    A request of several pieces is sent slowly: one piece every PIECE_SECONDS.
    """

    kind: str
    data: bytes
    statuses: frozenset[int]
    contains: bytes = b""
    pieces: int = 1


class CutOff(NamedTuple):
    """A request whose connection ended before its response: when (monotonic seconds), and its kind."""

    moment: float
    kind: str


class _Connection:
    """One connection, and the request whose response it waits for."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.request: Request | None = None
        self.unsent: deque[bytes] = deque()
        self.next_piece = self.sent_at = self.retry_at = 0.0
        self.received = bytearray()


class Client:
    """Connections that send requests from a thread, as long as the `with` block lasts.

    requests              what to send, in turn
    rate                  requests a second over all connections; None: each sends as soon as it is answered
    expects_rejections    whether 503 is correct, provided that it has Retry-After
    """

    def __init__(
        self,
        port: int,
        requests: Iterable[Request],
        connections: int,
        *,
        rate: float | None = None,
        expects_rejections: bool = False,
    ) -> None:
        """Prepare the connections; the block opens them."""
        self.port, self.rate, self.expects_rejections = port, rate, expects_rejections
        self.requests = iter(requests)
        self.statuses: Counter[tuple[str, int]] = Counter()
        # The durations of 200s in tenths of a millisecond, and how often each occurred.
        self.tenths: Counter[int] = Counter()
        self.sent = self.correct = self.refused = 0
        self.wrong: list[str] = []
        self.cut_off: list[CutOff] = []
        self.late = 0
        self._connections = [_Connection() for _ in range(connections)]
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="client")

    def __enter__(self) -> Self:
        """Start sending."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send no more, wait for the outstanding responses, and close the connections."""
        self._stop.set()
        self._thread.join()

    @property
    def answered(self) -> int:
        """The number of responses so far."""
        return self.statuses.total()

    def of_status(self, *statuses: int) -> int:
        """Return how many responses had one of these statuses."""
        return sum(number for (_, status), number in self.statuses.copy().items() if status in statuses)

    def failed(self) -> int:
        """Return how many responses had a 5xx status other than 503."""
        return sum(
            number
            for (_, status), number in self.statuses.copy().items()
            if status >= 500 and status != UNAVAILABLE
        )

    def milliseconds(self, share: float) -> float:
        """Return the quantile of the durations of the 200s: the time within which this share was answered."""
        wanted, seen = share * self.tenths.total(), 0
        for tenths, number in sorted(self.tenths.items()):
            seen += number
            if seen >= wanted:
                return tenths / 10
        return 0.0

    def lost(self) -> int:
        """Return how many requests were neither answered correctly nor cut off: 0 if all is well."""
        return self.sent - self.correct - len(self.cut_off)

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            self._send_due(time.monotonic() - began)
            self._turn()
        while any(connection.request for connection in self._connections):
            self._turn()
        for connection in self._connections:
            self._close(connection)
        self._selector.close()

    def _send_due(self, elapsed: float) -> None:
        """Send as many requests as are due, over connections that wait for no response."""
        due = len(self._connections) if self.rate is None else int(elapsed * self.rate) - self.sent
        now = time.monotonic()
        for connection in self._connections:
            if due <= 0:
                return
            if connection.request is None and connection.retry_at <= now:
                self._begin(connection)
                due -= 1

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._wait()):
            self._read(key.data)
        now = time.monotonic()
        for connection in self._connections:
            if connection.unsent and connection.next_piece <= now:
                self._send_piece(connection)
            elif connection.request and now - connection.sent_at > PATIENCE_SECONDS:
                self.late += 1
                self._note(f"no response within {PATIENCE_SECONDS:g} s to {connection.request.kind}")
                connection.request = None
                self._close(connection)

    def _wait(self) -> float:
        return TURN_SECONDS if self.rate is None else min(TURN_SECONDS, 0.5 / self.rate)

    def _begin(self, connection: _Connection) -> None:
        if connection.socket is None and not self._connect(connection):
            return
        connection.request = request = next(self.requests)
        self.sent += 1
        connection.sent_at = connection.next_piece = time.monotonic()
        size = -(-len(request.data) // request.pieces)
        connection.unsent.extend(request.data[at : at + size] for at in range(0, len(request.data), size))
        self._send_piece(connection)

    def _connect(self, connection: _Connection) -> bool:
        try:
            connection.socket = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        except OSError as error:
            # No request was sent, so none is lost; but refused connections are counted.
            self.refused += error.errno == errno.ECONNREFUSED
            connection.retry_at = time.monotonic() + REFUSED_SECONDS
            return False
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket.settimeout(0)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        return True

    def _send_piece(self, connection: _Connection) -> None:
        """Send the next piece, as much of it as the socket takes now."""
        assert connection.socket  # noqa: S101 - it has a request to send
        assert connection.request  # noqa: S101 - the same
        piece = connection.unsent.popleft()
        try:
            sent = connection.socket.send(piece)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The service may have answered before it closed: the response is read next.
            connection.unsent.clear()
            return
        if sent < len(piece):
            connection.unsent.appendleft(piece[sent:])
        elif connection.request.pieces > 1:
            connection.next_piece = time.monotonic() + PIECE_SECONDS

    def _read(self, connection: _Connection) -> None:
        if connection.socket is None:
            return
        try:
            data = connection.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        connection.received += data
        found = HEAD.match(connection.received) if connection.request else None
        length = int((LENGTH.search(found[2]) or [b"", b"0"])[1]) if found else 0
        if found and len(connection.received) >= found.end() + length:
            body = bytes(connection.received[found.end() :][:length])
            self._end(connection, int(found[1]), found[2], body)
        elif not data:
            if connection.request:
                self.cut_off.append(CutOff(time.monotonic(), connection.request.kind))
                connection.request = None
            self._close(connection)

    def _end(self, connection: _Connection, status: int, head: bytes, body: bytes) -> None:
        request, connection.request = connection.request, None
        assert request  # noqa: S101 - only a response to one is ended
        self.statuses[request.kind, status] += 1
        if status == 200:
            self.tenths[int(10_000 * (time.monotonic() - connection.sent_at))] += 1
        rejected = self.expects_rejections and status == UNAVAILABLE and RETRY_AFTER.search(head)
        if rejected or (status in request.statuses and (status != 200 or request.contains in body)):
            self.correct += 1
        else:
            self._note(f"{request.kind}: {status} {body[:300]!r}")
        connection.received.clear()
        if CLOSE.search(head) or connection.unsent:
            self._close(connection)
        elif self.rate is None and not self._stop.is_set():
            self._begin(connection)

    def _close(self, connection: _Connection) -> None:
        if connection.socket:
            self._selector.unregister(connection.socket)
            connection.socket.close()
        connection.socket = None
        connection.unsent.clear()
        connection.received.clear()

    def _note(self, sentence: str) -> None:
        if len(self.wrong) < MOST_NOTES:
            self.wrong.append(sentence)
