"""Admission control: a process works on a bounded number of POST requests; more are answered 503 at once.

Our own server sheds load before it reads a body (server/), so that this bound is never reached there. Under
any other server it keeps the queue, and with it everybody's waiting time, short. Requests with small and with
large bodies are bounded apart, so that photos do not shut out drawings.
"""

from threading import BoundedSemaphore

from flask import Flask, Response, request

from service.observability import metrics
from service.pending_response import PendingResponse
from service.problems import OVERLOADED, Problem
from service.settings import SMALL_BODY_BYTES, Settings

PLACES = "digits.places"


class Admission:
    """The places for POST requests in this process, for small and for large bodies."""

    def __init__(self, settings: Settings) -> None:
        """Admit up to DIGITS_MAX_WAITING requests of each size."""
        self.small, self.large = (BoundedSemaphore(settings.max_waiting) for _ in range(2))

    def register(self, app: Flask) -> None:
        """Let the app ask before each request; register after whatever else may refuse a request."""
        app.before_request(self._admit)
        app.after_request(_release)

    def _admit(self) -> None:
        """Take a place; raises Problem overloaded if none is free."""
        if request.method != "POST":
            return
        places = self.large if (request.content_length or 0) > SMALL_BODY_BYTES else self.small
        if not places.acquire(blocking=False):
            metrics.REJECTION["overloaded"].inc()
            raise Problem("overloaded", OVERLOADED)
        request.environ[PLACES] = places


def _release(response: Response) -> Response:
    """Give the place back when the response is complete."""
    places: BoundedSemaphore | None = request.environ.get(PLACES)
    if places and isinstance(response, PendingResponse):
        response.when_complete(lambda _: places.release())
    elif places:
        places.release()
    return response
