"""Errors: whatever goes wrong becomes an answer in one place, as RFC 9457 problem details.

Views and helpers raise; the handlers here turn a Problem, an HTTP error or a surprise into
application/problem+json; under /v2, {"error": "…"}, as clients of the Open Inference Protocol expect. Nothing
of a traceback ever leaves the house: it is logged. What the worker refuses before there is a request for the
app has the same form (early_responses.py).
"""

import json
import re
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
# Under this, errors have the form of the Open Inference Protocol.
OPEN_INFERENCE = re.compile(r"/v2(/|$)")
# Each reason for which a request is refused, with its status. Metrics use them as labels.
REASONS = {
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "empty_body": HTTPStatus.BAD_REQUEST,
    "no_files": HTTPStatus.BAD_REQUEST,
    "broken_multipart": HTTPStatus.BAD_REQUEST,
    "broken_image": HTTPStatus.BAD_REQUEST,
    "no_length": HTTPStatus.LENGTH_REQUIRED,
    "too_many_bytes": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_images": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_pixels": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "not_png": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unread_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "bad_inference": HTTPStatus.BAD_REQUEST,
    "blank_image": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_feedback": HTTPStatus.BAD_REQUEST,
    "unknown_request": HTTPStatus.NOT_FOUND,
    "not_ready": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "overloaded": HTTPStatus.SERVICE_UNAVAILABLE,
}
# Seconds after which to try again: a queue is soon shorter, a model that failed to load not so soon.
RETRY_SECONDS = {"not_ready": 5, "overloaded": 1}


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """A refusal: why (one of REASONS) and a sentence that says what would be right.

    retry_seconds: after which to try again, where that is known better than RETRY_SECONDS has it.
    """

    def __init__(self, reason: str, detail: str, retry_seconds: int | None = None) -> None:
        """Look up the status that goes with the reason."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = REASONS[reason]
        self.retry_seconds = retry_seconds

    def document(self, instance: str | None = None) -> dict[str, Any]:
        """Return the problem details of RFC 9457; `type` stays the same for a reason.

        The instance is the path that was asked for: the current request's, if it isn't given.
        """
        return {
            "type": f"urn:digits:problem:{self.reason.replace('_', '-')}",
            "title": self.reason.replace("_", " ").capitalize(),
            "status": self.status.value,
            "detail": self.detail,
            "instance": request.path if instance is None else instance,
        }

    def headers(self) -> dict[str, str]:
        """Return the headers that the status calls for."""
        match self.status:
            case HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.TOO_MANY_REQUESTS:
                return {"Retry-After": str(self.retry_seconds or RETRY_SECONDS[self.reason])}
            case HTTPStatus.UNAUTHORIZED:
                return {"WWW-Authenticate": 'Bearer realm="digits"'}
        return {}


def register(app: Flask) -> None:
    """Make the app answer every error as problem details."""
    app.register_error_handler(Problem, _answer_problem)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_surprise)


def _answer(document: dict[str, Any], headers: dict[str, str]) -> Response:
    status, media_type, shown = representation(document)
    return Response(json.dumps(shown), status, headers, content_type=media_type)


def representation(document: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    """Return the status, the media type and the JSON content of an error, which depend on its path."""
    if OPEN_INFERENCE.match(document.get("instance", "")):
        return document["status"], "application/json", {"error": document["detail"]}
    return document["status"], MEDIA_TYPE, document


def _answer_problem(problem: Problem) -> Response:
    return _answer(problem.document(), problem.headers())


def _answer_http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    kept = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return _answer(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": error.description or status.description,
            "instance": request.path,
        },
        kept,
    )


def _answer_surprise(error: Exception) -> Response:
    current_app.logger.error("a request failed", exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": "This is our fault, not yours: the cause is in the service's log.",
        "instance": request.path,
    }
    return _answer(document, {})
