"""Errors: each one becomes a response in one place, as RFC 9457 problem details.

Views and helpers raise; the handlers here turn a Problem, an HTTP error or any other exception into
application/problem+json; under /v2, into {"error": "…"}, as clients of the Open Inference Protocol expect. No
response shows a traceback: it is logged.
"""

import json
import logging
import re
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
# Errors under this path have the form of the Open Inference Protocol.
OPEN_INFERENCE = re.compile(r"/v2(/|$)")
# The reasons for which a request is refused, by status. Metrics use the reasons as labels.
REFUSALS = {
    HTTPStatus.BAD_REQUEST: "empty_body no_files broken_multipart broken_image bad_inference bad_feedback",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.NOT_FOUND: "unknown_request",
    HTTPStatus.LENGTH_REQUIRED: "no_length",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_many_bytes too_many_images too_many_pixels",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "not_png unread_type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "blank_image",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many_requests",
    HTTPStatus.SERVICE_UNAVAILABLE: "not_ready overloaded",
}
REASONS = {reason: status for status, reasons in REFUSALS.items() for reason in reasons.split()}
# Seconds after which to try again: a queue empties soon, a model that failed to load is not replaced as soon.
RETRY_SECONDS = {"not_ready": 5, "overloaded": 1}
OVERLOADED = "Too many requests are waiting: try again after the seconds in the header Retry-After."


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """A refusal: its reason (one of REASONS) and a sentence that says what would be right.

    retry_seconds: after which to try again, where that is known better than RETRY_SECONDS.
    """

    def __init__(self, reason: str, detail: str, retry_seconds: int | None = None) -> None:
        """Look up the reason's status."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = REASONS[reason]
        self.retry_seconds = retry_seconds

    def document(self, instance: str | None = None) -> dict[str, Any]:
        """Return the problem details of RFC 9457; a reason's `type` never changes.

        The instance is the requested path; without one, that of the current request.
        """
        return {
            "type": f"urn:digits:problem:{self.reason.replace('_', '-')}",
            "title": self.reason.replace("_", " ").capitalize(),
            "status": self.status.value,
            "detail": self.detail,
            "instance": request.path if instance is None else instance,
        }

    def headers(self) -> dict[str, str]:
        """Return the headers that the status requires."""
        match self.status:
            case HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.TOO_MANY_REQUESTS:
                return {"Retry-After": str(self.retry_seconds or RETRY_SECONDS[self.reason])}
            case HTTPStatus.UNAUTHORIZED:
                return {"WWW-Authenticate": 'Bearer realm="digits"'}
        return {}


def register(app: Flask) -> None:
    """Make the app answer every error as problem details."""
    app.register_error_handler(Problem, _from_problem)
    app.register_error_handler(HTTPException, _from_http_error)
    app.register_error_handler(Exception, lambda error: internal_error(error, request.path))


def internal_error(error: Exception, path: str) -> Response:
    """Log an exception that nobody expected, and return the 500 response to a request for that path."""
    logging.getLogger(__name__).error("a request failed", exc_info=error)
    detail = "The service failed; this is not the client's fault. The service's log has the cause."
    return _response(http_document(HTTPStatus.INTERNAL_SERVER_ERROR, detail, path), {})


def http_document(status: HTTPStatus, detail: str, path: str | None = None) -> dict[str, Any]:
    """Return the problem details of a plain HTTP status; without a path where none could be read."""
    document = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return document if path is None else document | {"instance": path}


def body_of(document: dict[str, Any]) -> tuple[str, str]:
    """Return the media type and the body in which problem details are sent."""
    if OPEN_INFERENCE.match(document.get("instance", "")):
        return "application/json", json.dumps({"error": document["detail"]})
    return MEDIA_TYPE, json.dumps(document)


def _response(document: dict[str, Any], headers: dict[str, str]) -> Response:
    media_type, body = body_of(document)
    return Response(body, document["status"], headers, content_type=media_type)


def _from_problem(problem: Problem) -> Response:
    return _response(problem.document(), problem.headers())


def _from_http_error(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return _response(http_document(status, error.description or status.description, request.path), headers)
