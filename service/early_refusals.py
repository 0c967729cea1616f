"""What is no request in HTTP, is beyond its limits, or did not come in time: its answer, its count, its line.

No such request reaches the app. It is counted under the route `unmatched` and the method `other`, for neither
is known; nothing of what the client said is logged. Who sends thousands of them fills no disk: lines are
bounded in a second, and the next one says how many were left out.
"""

import logging
from http import HTTPStatus
from time import monotonic

from gunicorn.http import errors

from service.observability import metrics
from service.observability.request_log import Entry, RequestLog, named
from service.problems import unreadable

MOST_LINES = 10
MOST_DETAIL = 200
BAD_REQUEST, INTERNAL = HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR


class StalledError(errors.ParseException):  # type: ignore[misc]  # gunicorn publishes no types
    """A request that was not whole in time."""


# What gunicorn's parser raises, where it is not 400. An unknown transfer coding would be 501 (RFC 9112, 6.1);
# but none is read here, so that what to send instead is the same as for a known one.
STATUSES: dict[type[Exception], HTTPStatus] = {
    StalledError: HTTPStatus.REQUEST_TIMEOUT,
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.LENGTH_REQUIRED,
}


class Refusals:
    """The refusals of a process."""

    def __init__(self, log: RequestLog) -> None:
        """Have refused nothing yet."""
        self.log = log
        self.second = self.lines = self.left_out = 0

    def refuse(self, error: Exception, client: str) -> bytes:
        """Return the answer to what can't be read, counted and logged; it ends the connection.

        What is no fault of the client is logged with its traceback.
        """
        sort = errors.ParseException
        status = STATUSES.get(type(error), BAD_REQUEST if isinstance(error, sort) else INTERNAL)
        entry = named({}) | {"error": type(error).__name__, "client": client}
        metrics.count_request(0.0, metrics.UNMATCHED, "other", status)
        if status == INTERNAL:
            logging.getLogger(__name__).error("a request failed", exc_info=error)
        self._write(entry, status)
        detail = status.description if status == INTERNAL else str(error)[:MOST_DETAIL]
        return unreadable(status, detail, entry["request"])

    def _write(self, entry: Entry, status: HTTPStatus) -> None:
        second = int(monotonic())
        if second != self.second:
            self.second, self.lines = second, 0
        self.lines += 1
        if self.lines > MOST_LINES:
            self.left_out += 1
            return
        if self.left_out:
            entry["left_out"], self.left_out = self.left_out, 0
        answered = {"method": "other", "route": metrics.UNMATCHED, "status": status.value, "ms": 0.0}
        self.log.write(entry, {}, answered)
