"""Responses made before the app sees a request: unreadable requests, time-outs, and overload.

None of these requests reaches the app, so each is counted and logged here, under the route `unmatched`. An
unreadable request has the method `other`, and nothing that its client sent is logged. The lines of unreadable
requests are limited in each second, so that no client can fill a disk with them; the next line says how many
were left out.
"""

import logging
from http import HTTPStatus
from time import monotonic
from typing import Any

from gunicorn.http import errors

from service.access.security_headers import HEADERS, SecurityHeaders
from service.observability import metrics
from service.observability.request_log import Entry, RequestLog, new_entry
from service.observability.server_timing import HEADER as SERVER_TIMING
from service.observability.server_timing import NO_TIME
from service.problems import OVERLOADED, Problem, body_of, http_document
from service.server.connection import RequestTimeoutError
from service.server.request_head import RequestHead
from service.settings import Settings

MAX_LINES_PER_SECOND = 10
MAX_DETAIL_CHARACTERS = 200
# The status of each error that makes a request unreadable, where it is not 400. RFC 9112 (6.1) has 501 for an
# unknown transfer coding; the service reads no transfer coding at all, and asks for a length in any case.
STATUSES: dict[type[Exception], HTTPStatus] = {
    RequestTimeoutError: HTTPStatus.REQUEST_TIMEOUT,
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.LENGTH_REQUIRED,
}


class EarlyResponses:
    """The early responses of one worker."""

    def __init__(self, settings: Settings) -> None:
        """Follow the settings for the log and for CORS."""
        self.log = RequestLog(settings)
        self.browsers = SecurityHeaders(settings.cors_origins)
        self.second = self.lines = self.left_out = 0

    def overload(self, head: RequestHead) -> bytes:
        """Return 503 for a request that is shed."""
        problem, entry = Problem("overloaded", OVERLOADED), new_entry(head.fields)
        metrics.count_shed(problem)
        self.log.write(entry, head.fields, _answered("POST", problem.status))
        headers = problem.headers() | {"X-Request-Id": entry["request"]}
        headers |= self.browsers.cors(head.fields, {})
        if head.close:
            headers["Connection"] = "close"
        return _response_bytes(problem.document(head.path), headers)

    def unreadable(self, error: Exception, client: str) -> bytes:
        """Return the response to a request that ended in an error before or beside the app.

        A gunicorn ParseException is the client's fault: 400 or one of STATUSES. Any other error is ours: 500,
        and logged with its traceback. The connection ends with either.
        """
        if isinstance(error, errors.ParseException):
            status = STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
            detail = str(error)[:MAX_DETAIL_CHARACTERS]
        else:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            detail = status.description
            logging.getLogger(__name__).error("a request failed", exc_info=error)
        entry = new_entry({}) | {"error": type(error).__name__, "client": client}
        metrics.count_request(0.0, metrics.UNMATCHED, "other", status)
        self._log_some(entry, status)
        headers = {"Connection": "close", "X-Request-Id": entry["request"]}
        return _response_bytes(http_document(status, detail), headers)

    def _log_some(self, entry: Entry, status: HTTPStatus) -> None:
        """Write a line, unless this second has had its maximum."""
        second = int(monotonic())
        if second != self.second:
            self.second, self.lines = second, 0
        self.lines += 1
        if self.lines > MAX_LINES_PER_SECOND:
            self.left_out += 1
            return
        if self.left_out:
            entry["left_out"], self.left_out = self.left_out, 0
        self.log.write(entry, {}, _answered("other", status))


def _answered(method: str, status: HTTPStatus) -> dict[str, Any]:
    return {"method": method, "route": metrics.UNMATCHED, "status": status.value, "ms": 0.0}


def _response_bytes(document: dict[str, Any], headers: dict[str, str]) -> bytes:
    """Return an HTTP/1.1 response with problem details, or the Open Inference Protocol's error under /v2."""
    code, (media_type, body) = document["status"], body_of(document)
    fields = {"Content-Type": media_type, "Content-Length": str(len(body)), SERVER_TIMING: NO_TIME}
    lines = [f"{name}: {value}\r\n" for name, value in (fields | headers | dict(HEADERS)).items()]
    return f"HTTP/1.1 {code} {HTTPStatus(code).phrase}\r\n{''.join(lines)}\r\n{body}".encode()
