"""Admission control: a process works on a bounded number of POST requests; more are answered 503 at once.

Our own server sheds load before it reads a body (server/), so that this bound is never reached there. Under
any other server it keeps the queue, and with it everybody's waiting time, short. Requests with small and with
large bodies are bounded apart, so that photos do not shut out drawings.
"""

from functools import partial
from threading import Lock

from flask import Flask, Response, request

from service.observability import metrics
from service.pending_response import PendingResponse
from service.problems import OVERLOADED, Problem
from service.settings import SMALL_BODY_BYTES, Settings

ADMITTED = "digits.admitted"


class Admission:
    """The POST requests in progress in this process, by the size of their bodies."""

    def __init__(self, settings: Settings) -> None:
        """Admit up to DIGITS_MAX_WAITING requests of each size."""
        self.limit = settings.max_waiting
        self.in_progress = {"small": 0, "large": 0}
        # Threads share the numbers, and `+=` takes several steps.
        self.lock = Lock()

    def register(self, app: Flask) -> None:
        """Let the app ask before each request; register after whatever else may refuse a request."""
        app.before_request(self._admit)
        app.after_request(self._release)

    def _admit(self) -> None:
        """Take a place; raises Problem overloaded if none is free."""
        if request.method != "POST":
            return
        size = "large" if (request.content_length or 0) > SMALL_BODY_BYTES else "small"
        with self.lock:
            admitted = self.in_progress[size] < self.limit
            self.in_progress[size] += admitted
        if not admitted:
            metrics.REJECTION["overloaded"].inc()
            raise Problem("overloaded", OVERLOADED)
        request.environ[ADMITTED] = size

    def _release(self, response: Response) -> Response:
        """Give the place back when the response is complete."""
        if size := request.environ.get(ADMITTED):
            if isinstance(response, PendingResponse):
                response.when_complete(partial(self._leave, size))
            else:
                self._leave(size)
        return response

    def _leave(self, size: str, _: Response | None = None) -> None:
        with self.lock:
            self.in_progress[size] -= 1
