"""POST /feedback: which digit it really was, so that how often the service is right can be watched live.

Off unless DIGITS_FEEDBACK is yes: whoever may ask may also say what is not so.
"""

import json

from flask import Blueprint, Response, request

from models.network import CLASSES
from service.api.model_state import model_state
from service.observability import metrics
from service.observability.request_log import REQUEST_ID
from service.problems import Problem

blueprint = Blueprint("feedback", __name__)

MOST_BYTES = 1000
WANTED = 'Send {"request": "the X-Request-Id of an answer about one image", "digit": 0 to 9} as JSON.'


@blueprint.post("/feedback")
def feedback() -> Response:
    """Count whether the digit that was read is the one that it was."""
    name, digit = _told()
    recent = model_state().recent
    read = recent.recall(name) if recent else None
    if read is None:
        detail = f"No answer of the name {name!r} is remembered: unknown, told already, or too long ago."
        raise Problem("unknown_request", detail)
    metrics.FEEDBACK.labels(str(digit), "yes" if read == digit else "no").inc()
    return Response(status=204)


def _told() -> tuple[str, int]:
    """Return the name and the digit in the body; raises Problem bad_feedback for anything else."""
    try:
        told = json.loads(request.stream.read(MOST_BYTES))
        name, digit = told.pop("request"), told.pop("digit")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Problem("bad_feedback", f"The body is not as wanted. {WANTED}") from None
    named = isinstance(name, str) and REQUEST_ID.fullmatch(name)
    if told or not named or type(digit) not in {int, float} or digit not in range(CLASSES):
        raise Problem("bad_feedback", f"A field of the body is not as wanted. {WANTED}")
    return name, int(digit)
