"""A client that counts: each of its connections asks, waits for the answer, checks it, and asks again.

Every request ends in one of three ways, and each is kept:

    answered    with a status, and right or wrong
    broken      the connection ended before the answer did
    late        there was no answer within PATIENCE_SECONDS

All connections are in one thread, so that many cost little.
"""

import errno
import re
import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

PATIENCE_SECONDS = 30.0
PIECE_SECONDS = 0.1
TURN_SECONDS = 0.05
# How soon a connection that was refused is tried again.
REFUSED_SECONDS = 0.02
RECEIVE_BYTES = 2**18
MOST_KEPT = 20
HEAD = re.compile(rb"HTTP/1\.1 (\d\d\d) [^\r]*\r\n(.*?\r\n)\r\n", re.DOTALL)
LENGTH = re.compile(rb"^content-length: (\d+)\r$", re.IGNORECASE | re.MULTILINE)
CLOSE = re.compile(rb"^connection: close\r$", re.IGNORECASE | re.MULTILINE)
RETRY_AFTER = re.compile(rb"^retry-after: \d+\r$", re.IGNORECASE | re.MULTILINE)
UNAVAILABLE = 503


class Ask(NamedTuple):
    """A request: its bytes, the statuses that may answer it, and what a 200's body must hold.

    With pieces it comes slowly: in so many, PIECE_SECONDS apart.
    """

    kind: str
    data: bytes
    statuses: frozenset[int]
    holds: bytes = b""
    pieces: int = 1


class Break(NamedTuple):
    """A request whose connection ended before its answer: when (monotonic seconds), and of what kind."""

    moment: float
    kind: str


class _Line:
    """One connection, and the request that it waits for."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.ask: Ask | None = None
        self.unsent: deque[bytes] = deque()
        self.next_piece = self.asked_at = self.rest_until = 0.0
        self.received = bytearray()


class Client:
    """So many connections that ask, in a thread, as long as the block lasts.

    asks      what to ask, in turn
    rate      requests a second, over all connections; None: each asks as soon as it is answered
    turns     whether answers of 503 (with Retry-After, without which they are wrong) are allowed
    """

    def __init__(
        self,
        port: int,
        asks: Iterable[Ask],
        connections: int,
        *,
        rate: float | None = None,
        turns_away: bool = False,
    ) -> None:
        """Connect to nobody yet."""
        self.port, self.rate, self.turns_away = port, rate, turns_away
        self.asks = iter(asks)
        self.statuses: Counter[tuple[str, int]] = Counter()
        # Tenths of a millisecond that answers of 200 took, by how often.
        self.tenths: Counter[int] = Counter()
        self.asked = self.right = self.refused = 0
        self.wrong: list[str] = []
        self.breaks: list[Break] = []
        self.late = 0
        self._lines = [_Line() for _ in range(connections)]
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="client")

    def __enter__(self) -> Self:
        """Begin to ask."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask no more, wait for the answers that are due, and part."""
        self._stop.set()
        self._thread.join()

    @property
    def answered(self) -> int:
        """How many answers have come."""
        return self.statuses.total()

    def of_status(self, *statuses: int) -> int:
        """Return how many answers had one of the statuses."""
        return sum(number for (_, status), number in self.statuses.copy().items() if status in statuses)

    def failed(self) -> int:
        """Return how many answers were a 5xx other than 503."""
        return sum(
            number
            for (_, status), number in self.statuses.copy().items()
            if status >= 500 and status != UNAVAILABLE
        )

    def milliseconds(self, share: float) -> float:
        """Return the time within which this share of the 200s was answered."""
        wanted, seen = share * self.tenths.total(), 0
        for tenths, number in sorted(self.tenths.items()):
            seen += number
            if seen >= wanted:
                return tenths / 10
        return 0.0

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            self._begin_due(time.monotonic() - began)
            self._turn()
        while any(line.ask for line in self._lines):
            self._turn()
        for line in self._lines:
            self._part(line)
        self._selector.close()

    def _begin_due(self, elapsed: float) -> None:
        """Let those that wait for nothing ask, as many as are due."""
        due = len(self._lines) if self.rate is None else int(elapsed * self.rate) - self.asked
        now = time.monotonic()
        for line in self._lines:
            if due <= 0:
                return
            if line.ask is None and line.rest_until <= now:
                self._ask(line)
                due -= 1

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._wait()):
            self._read(key.data)
        now = time.monotonic()
        for line in self._lines:
            if line.unsent and line.next_piece <= now:
                self._send(line)
            elif line.ask and now - line.asked_at > PATIENCE_SECONDS:
                self.late += 1
                self._note(f"no answer within {PATIENCE_SECONDS:g} s to {line.ask.kind}")
                line.ask = None
                self._part(line)

    def _wait(self) -> float:
        return TURN_SECONDS if self.rate is None else min(TURN_SECONDS, 0.5 / self.rate)

    def _ask(self, line: _Line) -> None:
        if line.socket is None and not self._connect(line):
            return
        line.ask = ask = next(self.asks)
        self.asked += 1
        line.asked_at = line.next_piece = time.monotonic()
        size = -(-len(ask.data) // ask.pieces)
        line.unsent.extend(ask.data[at : at + size] for at in range(0, len(ask.data), size))
        self._send(line)

    def _connect(self, line: _Line) -> bool:
        try:
            line.socket = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        except OSError as error:
            # Nobody listens: nothing was asked, so nothing is lost; but how often is kept.
            self.refused += error.errno == errno.ECONNREFUSED
            line.rest_until = time.monotonic() + REFUSED_SECONDS
            return False
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.socket.settimeout(0)
        self._selector.register(line.socket, selectors.EVENT_READ, line)
        return True

    def _send(self, line: _Line) -> None:
        """Send the next piece, as much of it as is taken now."""
        assert line.socket  # noqa: S101 - it asks
        assert line.ask  # noqa: S101 - the same
        piece = line.unsent.popleft()
        try:
            sent = line.socket.send(piece)
        except BlockingIOError:
            sent = 0
        except OSError:
            # It may have been answered before it was closed: what was received says so.
            line.unsent.clear()
            return
        if sent < len(piece):
            line.unsent.appendleft(piece[sent:])
        elif line.ask.pieces > 1:
            line.next_piece = time.monotonic() + PIECE_SECONDS

    def _read(self, line: _Line) -> None:
        if line.socket is None:
            return
        try:
            data = line.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        line.received += data
        found = HEAD.match(line.received) if line.ask else None
        length = int((LENGTH.search(found[2]) or [b"", b"0"])[1]) if found else 0
        if found and len(line.received) >= found.end() + length:
            self._end(line, int(found[1]), found[2], bytes(line.received[found.end() :][:length]))
        elif not data:
            if line.ask:
                self.breaks.append(Break(time.monotonic(), line.ask.kind))
                line.ask = None
            self._part(line)

    def _end(self, line: _Line, status: int, head: bytes, body: bytes) -> None:
        ask, line.ask = line.ask, None
        assert ask  # noqa: S101 - only an answer to one is ended
        self.statuses[ask.kind, status] += 1
        if status == 200:
            self.tenths[int(10_000 * (time.monotonic() - line.asked_at))] += 1
        turned_away = self.turns_away and status == UNAVAILABLE and RETRY_AFTER.search(head)
        if turned_away or (status in ask.statuses and (status != 200 or ask.holds in body)):
            self.right += 1
        else:
            self._note(f"{ask.kind}: {status} {body[:300]!r}")
        line.received.clear()
        if CLOSE.search(head) or line.unsent:
            self._part(line)
        elif self.rate is None and not self._stop.is_set():
            self._ask(line)

    def _part(self, line: _Line) -> None:
        if line.socket:
            self._selector.unregister(line.socket)
            line.socket.close()
        line.socket = None
        line.unsent.clear()
        line.received.clear()

    def _note(self, what: str) -> None:
        if len(self.wrong) < MOST_KEPT:
            self.wrong.append(what)

    def lost(self) -> int:
        """Return how many requests were neither answered right nor cut off: 0 unless something is wrong."""
        return self.asked - self.right - len(self.breaks)


def endless(asks: list[Ask], choose: Callable[[], int]) -> Iterator[Ask]:
    """Yield asks for ever."""
    while True:
        yield asks[choose()]
