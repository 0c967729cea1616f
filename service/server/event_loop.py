"""The gunicorn worker that the service runs on: one loop for all connections, threads for large requests.

    accept     a connection, by the worker that has the fewest
    receive    whatever has come: a slow client costs memory for what it sent, and nobody's time
    answer     a request that is whole: a small one at once, a large one in a thread, 503 when too many wait
    send       what the client takes, the rest when it takes more

A small request goes through no thread: under Python's lock, to hand it over and back costs more than it
could win. Overload is answered before it is worked on, so that the queue, and with it everybody's waiting,
stays short; a large body is turned away before it is read. Only predictions are turned away: a probe is
answered whatever happens.

What clients can make a worker hold is bounded: connections in number, what they sent or did not take in
bytes. Beyond that the one goes that has had the most time. An honest client needs little.
"""

import os
import resource
import selectors
import signal
from collections import deque
from collections.abc import Callable
from functools import partial
from socket import socket
from time import monotonic
from typing import Any, NamedTuple

from gunicorn.workers.base import Worker as GunicornWorker

from service.server import wsgi as gateway
from service.server.acceptor import Door
from service.server.arbiter import ENDING
from service.server.connection import REQUEST_SECONDS, Connection, RequestTimeoutError, Whole
from service.server.memory_budget import Memory
from service.server.request_head import Head, read_head
from service.server.thread_pool import Large
from service.shared_memory.worker_table import WORKERS

TICK_SECONDS = 0.5
# How soon a door that was shut for another worker is opened again.
YIELD_TICK_SECONDS = 0.001
# A client may be about to send a request while its worker is told to stop.
LINGER_SECONDS = 2.0
# Files that a process has open beside its connections, with some to spare.
OTHER_FILES = 32


class Limits(NamedTuple):
    """What a worker takes on: bodies up to a size, and so many requests that wait.

    A body of at most small_body_bytes is answered in the loop, a larger one in a thread.
    """

    max_body_bytes: int
    max_pending_requests: int
    small_body_bytes: int


class NoRoomError(Exception):
    """There is no room now for the body that this head announces."""

    def __init__(self, head: Head) -> None:
        """Keep the head, to be answered."""
        super().__init__()
        self.head = head


class Answer(NamedTuple):
    """Bytes to send, and whether the connection ends with them."""

    data: bytes
    last: bool


class EventLoopWorker(GunicornWorker):  # type: ignore[misc]  # gunicorn publishes no types
    """Answers requests when they are whole; a subclass sets what it can't know itself.

    row                    its row in the worker table, set before it is forked
    unreadable_response    makes the answer to a request that ended in an error, from the error and the
                           client's address; the connection ends with it
    overload_response      makes the answer to a request that is turned away, from its head; its `last` says
                           whether the connection ends with it
    """

    limits: Limits
    row: int
    unreadable_response: Callable[[Exception, str], bytes]
    overload_response: Callable[[Head], bytes]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """Have no connection yet; still in the master."""
        super().__init__(*args, **kwargs)
        self.connections: dict[int, Connection] = {}
        self.waiting: deque[tuple[Connection, Whole]] = deque()
        # Those whose next request may have come together with the one that was just answered.
        self.answered: deque[Connection] = deque()
        self.next_tick = 0.0

    def init_process(self) -> None:
        """Make what a process must have for itself, and run."""
        # What fails from here on is a want of the machine, which may pass: the master tries again, and lives.
        self.booted = True
        self.selector = selectors.DefaultSelector()
        super().init_process()

    def init_signals(self) -> None:
        """Obey from here on, also what was said since the fork."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def run(self) -> None:
        """Serve until told to stop, or the master is gone; then answer what has begun, and go."""
        self.door = Door(self.sockets, self.selector, self.row, self._welcome)
        self.memory = Memory(self.limits.max_body_bytes)
        self.large = Large[Answer](
            self.cfg.threads, self.limits.max_pending_requests, self.memory, wake=self.PIPE[1]
        )
        most_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most_connections = max(1, min(self.cfg.worker_connections, most_files - OTHER_FILES))
        self.selector.register(self.PIPE[0], selectors.EVENT_READ, lambda _: os.read(self.PIPE[0], 4096))
        while self.alive:
            self._turn(TICK_SECONDS if self.door.is_open else YIELD_TICK_SECONDS)
            self.door.open()
        self._leave()

    def _turn(self, seconds: float) -> None:
        """Wait for something to happen, and answer what became whole."""
        for key, events in self.selector.select(0 if self.answered else seconds):
            key.data(events)
            if self.memory.room < 0:
                self._make_room()
        for _ in range(len(self.answered)):
            self._take(self.answered.popleft())
        if self.large.done:
            for connection, answer in self.large.finished():
                self._end_large(connection, answer)
        if self.waiting:
            self._answer_waiting()
        now = monotonic()
        if now >= self.next_tick:
            self.next_tick = now + TICK_SECONDS
            self._tick(now)

    def _answer_waiting(self) -> None:
        """Begin all answers before the first is finished: what they leave to be done, is done together."""
        begun = [(connection, self._begin(connection, whole)) for connection, whole in self.waiting]
        self.waiting.clear()
        for connection, finish in begun:
            answer = finish()
            self._send(connection, answer)

    def _tell_in_flight(self) -> None:
        """Say how many requests are whole and not yet answered; before an answer is sent, which ends one."""
        WORKERS.set_queued(self.row, max(self.large.number - self.cfg.threads, 0))

    def _leave(self) -> None:
        """Take no more connections, and wait for those that are there: the idle ones not for long."""
        WORKERS.stop(self.row)
        self.door.close()
        end = monotonic() + self.cfg.graceful_timeout
        for connection in self.connections.values():
            if connection.idle:
                connection.deadline = min(connection.deadline, monotonic() + LINGER_SECONDS)
        while self.connections and monotonic() < end:
            self._turn(LINGER_SECONDS / 20)
        self.large.leave()

    # Connections come and go.

    def _welcome(self, client: socket, address: Any) -> None:  # noqa: ANN401 - as sockets have it
        """Take a new connection, in place of the one that matters least if there are too many."""
        if len(self.connections) >= self.most_connections:
            self._close(min(self.connections.values(), key=_weight))
        connection = Connection(client, address, self.cfg.keepalive)
        self.connections[client.fileno()] = connection
        self._watch(connection)
        WORKERS.set_connections(self.row, len(self.connections))

    def _watch(self, connection: Connection, events: int = selectors.EVENT_READ) -> None:
        self.selector.register(connection.socket, events, partial(self._ready, connection))

    def _close(self, connection: Connection) -> None:
        number = connection.socket.fileno()
        if number in self.connections:
            del self.connections[number]
            self.memory.forget(connection)
            if connection.socket in self.selector.get_map():
                self.selector.unregister(connection.socket)
            connection.socket.close()
            if self.alive:
                WORKERS.set_connections(self.row, len(self.connections))

    def _tick(self, now: float) -> None:
        """Tell the master that all is well, or see that it is gone; let clients go that stall."""
        self.notify()
        if self.ppid != os.getppid():
            self.alive = False
        for connection in list(self.connections.values()):
            if connection.deadline < now and not connection.answering:
                self._let_go(connection)

    def _make_room(self) -> None:
        """Let those go that keep much and have had the most time, until there is not too much in all."""
        keep = [
            other
            for other in self.connections.values()
            if other.kept > self.limits.small_body_bytes and not other.answering
        ]
        for connection in sorted(keep, key=lambda other: other.deadline):
            if self.memory.room >= 0:
                return
            self._let_go(connection)

    def _let_go(self, connection: Connection) -> None:
        """Say that a request did not come in time; close what is idle, or does not take its answer."""
        if connection.outgoing or connection.farewell or connection.idle:
            self._close(connection)
            return
        connection.forget_request()
        self._refuse(connection, RequestTimeoutError("The request was not whole in time."))

    # Requests are read, answered, sent.

    def _ready(self, connection: Connection, events: int) -> None:
        """Send what is left, or read what has come; unless it was closed in this very turn."""
        if connection.socket.fileno() < 0 or connection.behind:
            return
        if events & selectors.EVENT_WRITE:
            self.selector.modify(connection.socket, selectors.EVENT_READ, partial(self._ready, connection))
            self._send(connection, Answer(b"", connection.last))
        elif connection.receive():
            self._take(connection)
        else:
            self._close(connection)

    def _take(self, connection: Connection) -> None:
        """Hand on the next request of a connection, if it is whole and the last one is answered."""
        if (
            connection.answering
            or connection.outgoing
            or connection.farewell
            or connection.socket.fileno() < 0
        ):
            return
        connection.behind = False
        try:
            whole = connection.next_whole(partial(self._read_head, connection), self.limits.max_body_bytes)
        except NoRoomError as error:
            self._turn_away(connection, error.head, last=True)
            return
        except Exception as error:  # noqa: BLE001 - the head, or gunicorn itself: refused either way
            self._refuse(connection, error)
            return
        if whole is None or connection.kept:
            self.memory.count(connection)
        if whole:
            self._hand_on(connection, whole)

    def _hand_on(self, connection: Connection, whole: Whole) -> None:
        """Let a request wait for the loop or for a thread, unless too many do."""
        connection.answering = True
        large = len(whole.body) > self.limits.small_body_bytes
        many = len(self.waiting) >= self.limits.max_pending_requests and whole.head.method == "POST"
        if self.large.full if large else many:
            self._turn_away(connection, whole.head, last=whole.last)
        elif large:
            self._begin_large(connection, whole)
        else:
            self.waiting.append((connection, whole))

    def _read_head(self, connection: Connection, data: bytes, number: int) -> Head:
        """Read a head; raises NoRoomError when there is no room for its body."""
        head = read_head(data, self.cfg, connection.address, number)
        length = head.length or 0
        if self.limits.small_body_bytes < length <= self.limits.max_body_bytes and (
            self.large.full or not self.memory.fits(length)
        ):
            raise NoRoomError(head)
        return head

    def _begin_large(self, connection: Connection, whole: Whole) -> None:
        """Give a request to a thread."""
        self.selector.unregister(connection.socket)
        self.large.begin(connection, len(whole.body), partial(self._answer, connection, whole))
        self._tell_in_flight()

    def _end_large(self, connection: Connection, answer: Answer) -> None:
        self._tell_in_flight()
        if connection.socket.fileno() >= 0:
            self._watch(connection)
            self._send(connection, answer)

    def _answer(self, connection: Connection, whole: Whole) -> Answer:
        return self._begin(connection, whole)()

    def _begin(self, connection: Connection, whole: Whole) -> Callable[[], Answer]:
        """Let the app begin an answer, and return what finishes it.

        What the app does not answer itself is logged, and said to be our fault: nothing may end the loop.
        """
        try:
            begun = gateway.begin(self.wsgi, whole.head, whole.body, connection.addresses)
        except Exception as error:  # noqa: BLE001 - nothing may end the loop
            refusal = Answer(self.unreadable_response(error, connection.address[0]), last=True)
            return lambda: refusal
        return partial(self._finish, connection, begun, last=whole.last)

    def _finish(self, connection: Connection, begun: gateway.Begun, *, last: bool) -> Answer:
        last = last or not self.alive
        try:
            return Answer(gateway.finish(begun, last=last), last)
        except Exception as error:  # noqa: BLE001 - as above
            return Answer(self.unreadable_response(error, connection.address[0]), last=True)

    def _turn_away(self, connection: Connection, head: Head, *, last: bool) -> None:
        self._send(connection, Answer(self.overload_response(head._replace(last=last)), last))

    def _refuse(self, connection: Connection, error: Exception) -> None:
        """Say what is wrong with a request that the app does not see, and end the connection."""
        self._send(connection, Answer(self.unreadable_response(error, connection.address[0]), last=True))

    def _send(self, connection: Connection, answer: Answer) -> None:
        """Send what the client takes; when it has all, wait for its next request, or say farewell."""
        connection.last |= answer.last
        if not connection.send(answer.data):
            self._close(connection)
            return
        if connection.outgoing:
            self.selector.modify(connection.socket, selectors.EVENT_WRITE, partial(self._ready, connection))
        elif connection.last:
            connection.say_farewell()
        else:
            connection.answered()
            if connection.received:
                connection.behind = True
                self.answered.append(connection)
        if connection.outgoing or connection.behind or connection.kept:
            self.memory.count(connection)


def _weight(connection: Connection) -> tuple[bool, float]:
    """Say how much a connection matters: least the one that has had the most time, idle or not."""
    patience = connection.idle_seconds if connection.idle else REQUEST_SECONDS
    return connection.answering, connection.deadline - patience
