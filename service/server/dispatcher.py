"""The dispatcher: takes complete requests, and returns their responses.

    decide     in the event loop, in a thread, or 503 under overload       admission.py
    queue      until the end of a turn of the loop, or for a thread        thread_pool.py
    answer     by the WSGI app                                             wsgi.py

A request that the app can't answer gets an early response: one that is malformed, late or shed, or at which
the app failed.
"""

from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Protocol

from service.server.admission import AdmissionControl, Limits
from service.server.connection import Connection, Request, Response
from service.server.memory_budget import MemoryBudget
from service.server.request_head import RequestHead
from service.server.thread_pool import ThreadPool
from service.server.wsgi import App, PendingResponse, environ_of
from service.shared_memory.worker_table import LOADS


class EarlyResponses(Protocol):
    """Makes the responses that the app can't make: bytes, from the status line to the end of the body."""

    def unreadable(self, error: Exception, client: str) -> bytes:
        """Return the response to a request that ended in an error; the connection closes after it."""

    def overload(self, head: RequestHead) -> bytes:
        """Return the response to a request that is shed; head.close says whether the connection closes."""


class Dispatcher:
    """The requests of a worker that are complete and not answered."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is another part of the worker
        self,
        app: App,
        limits: Limits,
        early_responses: EarlyResponses,
        threads: ThreadPool,
        memory: MemoryBudget,
        place: int,
    ) -> None:
        """Queue nothing yet; place is the worker's in the table of workers."""
        self.app, self.early_responses, self.threads, self.place = app, early_responses, threads, place
        self.queue: deque[tuple[Connection, Request]] = deque()
        self.admission = AdmissionControl(limits, self.queue, threads, memory)
        # Whether the worker is stopping: every response then closes its connection.
        self.stopping = False

    def dispatch(self, connection: Connection, request: Request) -> Response | None:
        """Queue a request and return None, or return the response at once if it is shed."""
        if self.admission.sheds(request):
            return self.shed(request.head, close=request.close)
        if self.admission.is_large(request):
            self.threads.submit(connection, len(request.body), partial(self._answer, connection, request))
            self._report(len(self.queue))
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
        self._report(len(self.queue))
        pending = [(*queued, self._begin(*queued)) for queued in self.queue]
        self.queue.clear()
        for left, (connection, request, called) in zip(reversed(range(len(pending))), pending, strict=True):
            response = self._finish(connection, request, called)
            self._report(left)
            yield connection, response

    def answered_in_threads(self) -> Iterator[tuple[Connection, Response]]:
        """Yield the responses to the large requests that threads have finished."""
        for connection, response in self.threads.finished():
            self._report(len(self.queue))
            yield connection, response

    def _report(self, small: int) -> None:
        """Report how many requests are complete and not answered, before a response to one is sent."""
        LOADS.set_requests(self.place, small + self.threads.pending)

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
