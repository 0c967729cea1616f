"""POST /feedback: the true digit of an image that was read, so that accuracy can be watched in production.

Off unless DIGITS_FEEDBACK is `yes`: any client of the service can send false feedback.
"""

import json

from flask import Blueprint, Response, request

from models.network import CLASSES
from service.api.model_state import model_state
from service.observability import metrics
from service.observability.request_log import REQUEST_ID
from service.problems import Problem

blueprint = Blueprint("feedback", __name__)

MAX_BYTES = 1000
EXPECTED = 'Send {"request": "the X-Request-Id of a response about one image", "digit": 0 to 9} as JSON.'


@blueprint.post("/feedback")
def feedback() -> Response:
    """Count whether the predicted digit is the true one."""
    name, digit = _read_feedback()
    recent = model_state().recent
    predicted = recent.recall(name) if recent else None
    if predicted is None:
        detail = f"There is no prediction for request {name!r}, or it is too old, or has feedback already."
        raise Problem("unknown_request", detail)
    metrics.FEEDBACK.labels(str(digit), "yes" if predicted == digit else "no").inc()
    return Response(status=204)


def _read_feedback() -> tuple[str, int]:
    """Return the request's name and the digit in the body; raises Problem bad_feedback for anything else."""
    try:
        document = json.loads(request.stream.read(MAX_BYTES))
        name, digit = document.pop("request"), document.pop("digit")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Problem("bad_feedback", f"The body is not valid feedback. {EXPECTED}") from None
    is_name = isinstance(name, str) and REQUEST_ID.fullmatch(name)
    # In JSON, 7.0 is the number 7, and true is not a number.
    is_digit = type(digit) in {int, float} and digit in range(CLASSES)
    if document or not is_name or not is_digit:
        raise Problem("bad_feedback", f"A field of the body is unknown or invalid. {EXPECTED}")
    return name, int(digit)
