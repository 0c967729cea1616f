"""What is no request in HTTP, is beyond its limits, or did not come in time: its answer, its count, its line.

No such request reaches the app. It is counted under the route `unmatched` and the method `other`, for neither
is known; nothing of what the client said is logged. Who sends thousands of them fills no disk: lines are
bounded in a second, and the next one says how many were left out.
"""

import logging
from http import HTTPStatus
from time import monotonic
from typing import Any

from gunicorn.http import errors

from service.access.security_headers import HEADERS
from service.observability import metrics
from service.observability.request_log import Entry, RequestLog, new_entry
from service.observability.server_timing import HEADER, NO_TIME
from service.problems import body_of, http_document

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
        entry = new_entry({}) | {"error": type(error).__name__, "client": client}
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


def as_bytes(status: HTTPStatus, document: dict[str, Any], headers: dict[str, str]) -> bytes:
    """Write an answer as HTTP has it, for those who have no app to write it."""
    media_type, body = body_of(document)
    lines = {
        "Content-Type": media_type,
        "Content-Length": str(len(body)),
        HEADER: NO_TIME,
        **headers,
        **dict(HEADERS),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n{body}".encode()


def unreadable(status: HTTPStatus, detail: str, name: str) -> bytes:
    """Return the answer to what is no request in HTTP, or one beyond its limits; the log has its name."""
    return as_bytes(status, http_document(status, detail), {"Connection": "close", "X-Request-Id": name})
