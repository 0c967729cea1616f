"""Errors: whatever goes wrong becomes an answer in one place, as RFC 9457 problem details.

Views and helpers raise; the handlers here turn a Problem, an HTTP error or a surprise into
application/problem+json. Nothing of a traceback ever leaves the house: it is logged.
"""

import json
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
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
    "blank_image": HTTPStatus.UNPROCESSABLE_ENTITY,
    "not_ready": HTTPStatus.SERVICE_UNAVAILABLE,
}


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """A refusal: why (one of REASONS) and a sentence that says what would be right."""

    def __init__(self, reason: str, detail: str) -> None:
        """Look up the status that goes with the reason."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = REASONS[reason]

    def document(self) -> dict[str, Any]:
        """Return the problem details of RFC 9457; `type` stays the same for a reason."""
        return {
            "type": f"urn:digits:problem:{self.reason.replace('_', '-')}",
            "title": self.reason.replace("_", " ").capitalize(),
            "status": self.status.value,
            "detail": self.detail,
            "instance": request.path,
        }

    def headers(self) -> dict[str, str]:
        """Return the headers that the status calls for."""
        match self.status:
            case HTTPStatus.SERVICE_UNAVAILABLE:
                return {"Retry-After": str(RETRY_SECONDS)}
            case HTTPStatus.UNAUTHORIZED:
                return {"WWW-Authenticate": 'Bearer realm="digits"'}
        return {}


def register(app: Flask) -> None:
    """Make the app answer every error as problem details."""
    app.register_error_handler(Problem, _answer_problem)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_surprise)


def _answer(document: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(json.dumps(document), document["status"], headers, content_type=MEDIA_TYPE)


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
