"""The gunicorn worker: one event loop for all connections, and threads for large requests.

    accept     a connection, by the worker that has the fewest               acceptor.py, connection_table.py
    receive    what has arrived; a slow client delays no other               connection.py, request_head.py
    decide     in the loop, in a thread, or 503 under overload               dispatcher.py
    queue      until the end of a turn of the loop, or for a thread          dispatcher.py
    answer     by the WSGI app                                               wsgi.py
    send       what the client takes, and the rest when it takes more        connection.py

A turn of the loop waits for events, receives, and answers the small requests that are complete. They are
answered in the loop because under Python's lock (GIL) a thread would cost more than it saves. What clients
can make a worker hold is bounded: connections in number, and buffers in bytes (connection_table.py).
"""

import os
import resource
from collections import deque
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from time import monotonic

from gunicorn.workers.base import Worker as GunicornWorker

from service.server.acceptor import Acceptor
from service.server.connection import Connection, RequestTimeoutError, State, Timeouts
from service.server.connection_table import ConnectionTable
from service.server.dispatcher import Dispatcher, EarlyResponses, Limits

TICK_SECONDS = 0.5
# The acceptor resumes this soon after it paused for another worker.
PAUSED_TURN_SECONDS = 0.001
# When a worker is told to stop, a client may be about to send a request on an idle connection.
SHUTDOWN_IDLE_SECONDS = 2.0
SHUTDOWN_TURN_SECONDS = 0.1
# The files of a process beside its connections, with some to spare.
RESERVED_FILES = 32


class EventLoopWorker(GunicornWorker):  # type: ignore[misc]  # gunicorn publishes no types
    """The worker; a subclass sets its limits and early responses, gunicorn's hooks its row of WORKERS."""

    limits: Limits
    early_responses: EarlyResponses

    def init_process(self) -> None:
        """Set up the process, and run."""
        # gunicorn's master stops if a worker fails before it has booted. A failure from here on is a lack of
        # resources, which may pass: the master starts another worker instead.
        self.booted = True
        super().init_process()

    def run(self) -> None:
        """Serve until a signal or the end of the master stops the worker; then finish the open requests."""
        # Connections that may have received their next request together with the previous one.
        self.pipelined: deque[Connection] = deque()
        self.next_tick = 0.0
        self.selector = DefaultSelector()
        wake_read, wake_write = self.PIPE
        self.selector.register(wake_read, EVENT_READ, lambda _: os.read(wake_read, 4096))
        self.dispatcher = Dispatcher(
            self.wsgi, self.limits, self.early_responses, self.cfg.threads, wake_write
        )
        self.budget_bytes = self.limits.budget_bytes
        max_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        max_connections = max(1, min(self.cfg.worker_connections, max_files - RESERVED_FILES))
        timeouts = Timeouts(self.cfg.keepalive, self.limits.request_seconds)
        self.connections = ConnectionTable(self.selector, max_connections, timeouts, self._on_event)
        self.acceptor = Acceptor(self.sockets, self.selector, self.connections.add)
        while self.alive:
            self._turn(PAUSED_TURN_SECONDS if self.acceptor.paused else TICK_SECONDS)
            self.acceptor.resume()
        self._shut_down()

    def _turn(self, seconds: float) -> None:
        """Wait for events for up to so many seconds, and answer what is complete by then."""
        for key, events in self.selector.select(0 if self.pipelined else seconds):
            key.data(events)
            left = self.budget_bytes - self.dispatcher.large_bytes
            if self.connections.buffered_bytes > left:
                for connection in self.connections.over_budget(left):
                    self._time_out(connection)
        for _ in range(len(self.pipelined)):
            self._take_request(self.pipelined.popleft())
        self.dispatcher.stopping = not self.alive
        for connection, response in self.dispatcher.responses():
            self._send(connection, response)
        now = monotonic()
        if now >= self.next_tick:
            self.next_tick = now + TICK_SECONDS
            self._tick(now)

    def _tick(self, now: float) -> None:
        """Send the heartbeat to the master, stop if the master has ended, and time out connections."""
        self.notify()
        if self.ppid != os.getppid():
            self.alive = False
        for connection in self.connections.expired(now):
            self._time_out(connection)

    def _shut_down(self) -> None:
        """Stop accepting, and serve the open connections for up to gunicorn's graceful time-out."""
        now = monotonic()
        self.acceptor.close()
        self.connections.drain(now + SHUTDOWN_IDLE_SECONDS)
        while len(self.connections) and monotonic() < now + self.cfg.graceful_timeout:
            self._turn(SHUTDOWN_TURN_SECONDS)
        self.dispatcher.shut_down()

    def _on_event(self, connection: Connection, events: int) -> None:
        """Receive, or send the rest of a response; a connection may have been closed in the same turn."""
        if connection.closed or connection.state is State.PIPELINED:
            return
        if connection.state is State.ANSWERING:
            # Its request is in a thread: no more is read until that is answered (back-pressure).
            self.connections.watch(connection, 0)
        elif events & EVENT_WRITE:
            self._send(connection, b"")
        elif connection.receive():
            self._take_request(connection)
        else:
            self.connections.close(connection)

    def _take_request(self, connection: Connection) -> None:
        """Dispatch the connection's next request, once it is complete and the previous one is answered."""
        if connection.closed or connection.state not in (State.RECEIVING, State.PIPELINED):
            return
        connection.state = State.RECEIVING
        try:
            new_head = connection.next_head(self.cfg)
            response = self.dispatcher.shed_body(connection, new_head) if new_head else None
            if not response and (request := connection.next_request(self.limits.max_body_bytes)):
                connection.state = State.ANSWERING
                response = self.dispatcher.dispatch(connection, request)
        except Exception as error:  # noqa: BLE001 - a malformed head, or a defect: refused either way
            response = self.dispatcher.refuse(connection, error)
        if connection.state is State.RECEIVING or connection.counted_bytes:
            self.connections.count(connection, connection.buffered_bytes)
        if response:
            self._send(connection, response)

    def _time_out(self, connection: Connection) -> None:
        """Answer 408 to an incomplete request; close a connection that is idle or takes no response."""
        if connection.idle or connection.state in (State.SENDING, State.LINGERING):
            self.connections.close(connection)
            return
        connection.received.clear()
        error = RequestTimeoutError("The request timed out: it was not complete in time.")
        self._send(connection, self.dispatcher.refuse(connection, error))

    def _send(self, connection: Connection, response: bytes) -> None:
        """Send what the client takes; when it has taken all, wait for its next request, or close."""
        if not connection.send(response):
            self.connections.close(connection)
            return
        if connection.unsent:
            connection.state = State.SENDING
        else:
            connection.end_response()
            if connection.state is State.PIPELINED:
                self.pipelined.append(connection)
        self.connections.watch(connection, EVENT_WRITE if connection.unsent else EVENT_READ)
        # Only a connection that buffers or did so is counted: most responses spare the call.
        if connection.unsent or connection.state is State.PIPELINED or connection.counted_bytes:
            self.connections.count(connection, connection.buffered_bytes)
