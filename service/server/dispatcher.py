"""The dispatcher: takes complete requests, and returns their responses.

    decide     small: in the event loop, as handing it to a thread would cost more than answering it
               large: in a thread
               overload: 503 without any work (load shedding), so that queues and waiting times stay short
    queue      until the end of a turn of the loop, or for a thread        thread_pool.py
    answer     by the WSGI app                                             wsgi.py

A large body is refused when its head arrives, before it is received. Only POST requests are shed from the
event loop's queue: health checks are answered under any load.

A request that the app can't answer gets an early response: one that is malformed, late or shed, or at which
the app failed.
"""

from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, Protocol

from service.server.connection import Connection, Request, Response
from service.server.request_head import RequestHead
from service.server.thread_pool import ThreadPool
from service.server.wsgi import App, PendingResponse, environ_of
from service.shared_memory.worker_table import WORKERS


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


class EarlyResponses(Protocol):
    """Makes the responses that the app can't make: bytes, from the status line to the end of the body."""

    def unreadable(self, error: Exception, client: str) -> bytes:
        """Return the response to a request that ended in an error; the connection closes after it."""

    def overload(self, head: RequestHead) -> bytes:
        """Return the response to a request that is shed; head.close says whether the connection closes."""


class Dispatcher:
    """The requests of a worker that are complete and not answered."""

    def __init__(
        self, app: App, limits: Limits, early_responses: EarlyResponses, threads: ThreadPool, row: int
    ) -> None:
        """Queue nothing yet; row is the worker's in the worker table."""
        self.app, self.limits, self.early_responses = app, limits, early_responses
        self.threads, self.row = threads, row
        self.queue: deque[tuple[Connection, Request]] = deque()
        # Whether the worker is stopping: every response then closes its connection.
        self.stopping = False

    def sheds_body(self, head: RequestHead) -> bool:
        """Say whether a large body is not to be received; one beyond the limit is the app's to refuse."""
        length = head.content_length or 0
        large = self.limits.small_body_bytes < length <= self.limits.max_body_bytes
        return large and (self.threads.full or not self.threads.memory.fits(length))

    def dispatch(self, connection: Connection, request: Request) -> Response | None:
        """Queue a request and return None, or return the response at once if it is shed."""
        large = len(request.body) > self.limits.small_body_bytes
        queue_full = len(self.queue) >= self.limits.max_pending_requests and request.head.method == "POST"
        if self.threads.full if large else queue_full:
            return self.shed(request.head, close=request.close)
        if large:
            self.threads.submit(connection, len(request.body), partial(self._answer, connection, request))
            self._report_queued()
        else:
            self.queue.append((connection, request))
        return None

    def answer_queue(self) -> Iterator[tuple[Connection, Response]]:
        """Yield the responses to the small requests.

        The app is called for all of them before the first response is finished, so that it can do work for
        all at once (micro-batching).
        """
        if not self.queue:
            return
        pending = [(*queued, self._begin(*queued)) for queued in self.queue]
        self.queue.clear()
        for connection, request, begun in pending:
            yield connection, self._finish(connection, request, begun)

    def answered_in_threads(self) -> Iterator[tuple[Connection, Response]]:
        """Yield the responses to the large requests that threads have finished."""
        for connection, response in self.threads.finished():
            self._report_queued()
            yield connection, response

    def _report_queued(self) -> None:
        """Report how many requests wait for a thread; the app counts those that it has begun."""
        WORKERS.set_queued(self.row, self.threads.queued)

    def _answer(self, connection: Connection, request: Request) -> Response:
        """Answer a large request; called in a thread."""
        return self._finish(connection, request, self._begin(connection, request))

    def _begin(self, connection: Connection, request: Request) -> PendingResponse:
        return PendingResponse(self.app, environ_of(request, connection.addresses))

    def _finish(self, connection: Connection, request: Request, pending: PendingResponse) -> Response:
        """Finish a response; it is an early one if the app fails, because nothing may end the event loop."""
        close = request.close or self.stopping
        try:
            return Response(pending.finish(close=close), close)
        except Exception as error:  # noqa: BLE001 - as above
            return self.refuse(error, connection)

    def shed(self, head: RequestHead, *, close: bool) -> Response:
        """Return the response to a request that is shed."""
        return Response(self.early_responses.overload(head._replace(close=close)), close)

    def refuse(self, error: Exception, connection: Connection) -> Response:
        """Return the response to a request that ended in an error."""
        return Response(self.early_responses.unreadable(error, connection.address[0]), close=True)
