"""The dispatcher: takes complete requests, and returns their responses.

    decide     small: in the event loop, as handing it to a thread would cost more than answering it
               large: in a thread, where most of its time is spent in code that releases Python's lock (GIL)
               overload: 503 without any work (load shedding), so that queues and waiting times stay short
    queue      until the end of a turn of the loop, or for a thread
    answer     by the WSGI app                                             wsgi.py

A large body is refused when its head arrives, before it is received. Only POST requests are shed from the
event loop's queue: health checks are answered under any load.

A request that the app can't answer gets an early response: one that is malformed, late or shed, or at which
the app failed.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import NamedTuple, Protocol

from service.server.connection import Connection, Request
from service.server.request_head import RequestHead
from service.server.wsgi import App, PendingResponse, environ_of
from service.shared_memory.worker_table import WORKERS

# The memory budget holds this many bodies of the largest size.
LARGEST_BODIES = 2
MIN_BUDGET_BYTES = 16 * 2**20


class Limits(NamedTuple):
    """What a worker admits.

    max_body_bytes          the app refuses a larger body; it is not received
    max_pending_requests    small requests in the queue, and large requests in the threads and their queue
    small_body_bytes        a request with a larger body is a large one
    request_seconds         until a request is complete, and until its response is taken
    """

    max_body_bytes: int
    max_pending_requests: int
    small_body_bytes: int
    request_seconds: float = 60.0

    @property
    def budget_bytes(self) -> int:
        """The memory budget: the bytes that the connections (connection_table.py) and threads may hold."""
        return max(LARGEST_BODIES * self.max_body_bytes, MIN_BUDGET_BYTES)


class EarlyResponses(Protocol):
    """Makes the responses that the app can't make: bytes, from the status line to the end of the body."""

    def unreadable(self, error: Exception, client: str) -> bytes:
        """Return the response to a request that ended in an error; the connection closes after it."""

    def overload(self, head: RequestHead) -> bytes:
        """Return the response to a request that is shed; head.close says whether the connection closes."""


class Dispatcher:
    """The requests of a worker that are complete and not answered."""

    def __init__(
        self, app: App, limits: Limits, early_responses: EarlyResponses, threads: int, wake: int
    ) -> None:
        """Start all threads; each writes a byte to `wake`, a pipe, when a response is finished.

        Raises RuntimeError if the system can't start a thread: better now than while a request waits for it.
        """
        self.app, self.limits, self.early_responses = app, limits, early_responses
        self.thread_count, self.wake = threads, wake
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="large")
        all_started = Barrier(threads + 1)
        for _ in range(threads):
            self.executor.submit(all_started.wait)
        all_started.wait()
        self.queue: list[tuple[Connection, Request]] = []
        # The requests in threads, or waiting for one, and the bytes of their bodies.
        self.large: dict[Future[bytes], tuple[Connection, int]] = {}
        self.large_bytes = 0
        # Whether the worker is stopping: every response then closes its connection.
        self.stopping = False

    def shed_body(self, connection: Connection, head: RequestHead) -> bytes | None:
        """Return the response that closes the connection if a large body is not to be received.

        Connections can be closed to make room for a body (connection_table.py), threads can't. A body beyond
        the limit is the app's to refuse.
        """
        length = head.content_length or 0
        if not self.limits.small_body_bytes < length <= self.limits.max_body_bytes:
            return None
        if not self._threads_full and length <= self.limits.budget_bytes - self.large_bytes:
            return None
        connection.close_after_response = True
        return self._shed(connection, head)

    def dispatch(self, connection: Connection, request: Request) -> bytes | None:
        """Queue a request and return None, or return the response at once if it is shed."""
        if len(request.body) > self.limits.small_body_bytes:
            if self._threads_full:
                return self._shed(connection, request.head)
            self._submit(connection, request)
        elif len(self.queue) >= self.limits.max_pending_requests and request.head.method == "POST":
            return self._shed(connection, request.head)
        else:
            self.queue.append((connection, request))
        return None

    def responses(self) -> Iterator[tuple[Connection, bytes]]:
        """Yield the responses that threads have finished, and those to all small requests.

        The app is called for all small requests before the first response is finished, so that it can do work
        for all at once (micro-batching).
        """
        for future in [future for future in self.large if future.done()]:
            connection, body_bytes = self.large.pop(future)
            self.large_bytes -= body_bytes
            self._report_waiting()
            yield connection, future.result()
        pending = [(connection, self._begin(connection, request)) for connection, request in self.queue]
        self.queue.clear()
        for connection, begun in pending:
            yield connection, self._finish(connection, begun)

    def refuse(self, connection: Connection, error: Exception) -> bytes:
        """Return the response to a request that ended in an error; the connection closes after it."""
        connection.close_after_response = True
        return self.early_responses.unreadable(error, connection.address[0])

    def shut_down(self) -> None:
        """Start no more requests in threads."""
        self.executor.shutdown(wait=False, cancel_futures=True)

    @property
    def _threads_full(self) -> bool:
        return len(self.large) >= self.limits.max_pending_requests

    def _submit(self, connection: Connection, request: Request) -> None:
        """Answer a large request in a thread."""
        future = self.executor.submit(lambda: self._finish(connection, self._begin(connection, request)))
        self.large[future] = connection, len(request.body)
        self.large_bytes += len(request.body)
        self._report_waiting()
        future.add_done_callback(lambda _: os.write(self.wake, b"1"))

    def _report_waiting(self) -> None:
        """Report how many requests wait for a thread; the app counts those that it has begun."""
        WORKERS.set_queued(max(len(self.large) - self.thread_count, 0))

    def _begin(self, connection: Connection, request: Request) -> PendingResponse:
        return PendingResponse(self.app, environ_of(request, connection.addresses))

    def _finish(self, connection: Connection, pending: PendingResponse) -> bytes:
        """Finish a response; it is an early one if the app fails, because nothing may end the event loop."""
        connection.close_after_response |= self.stopping
        try:
            return pending.finish(close=connection.close_after_response)
        except Exception as error:  # noqa: BLE001 - as above
            return self.refuse(connection, error)

    def _shed(self, connection: Connection, head: RequestHead) -> bytes:
        """Return the response to a request that is shed."""
        return self.early_responses.overload(head._replace(close=connection.close_after_response))
