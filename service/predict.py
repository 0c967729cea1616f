"""POST /predict: PNGs in, digits out.

One request: body → PNGs → decode → normalise → preprocess → forward → JSON. The images of a request
go through the network as one batch; one that can't be read never fails its neighbours.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from flask import Blueprint, Response, request

from models.activations import Array
from models.decision import Decision, decide
from models.network import Activity, forward
from models.preprocessing import preprocess
from models.store import Model
from service import metrics
from service.health import service
from service.images import Grey, InvalidImage, decode
from service.normalise import SIDE, Receipt, normalise
from service.problems import Problem
from service.settings import Settings
from service.uploads import read_pngs

blueprint = Blueprint("predict", __name__)

Before = TypeVar("Before")
After = TypeVar("After")
Document = dict[str, Any]


class JsonResponse(Response):
    """A body that is there whole: werkzeug need not find out what headers it lacks."""

    def __call__(self, _: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own
        """Answer as WSGI asks."""
        body = self.get_data()
        start_response(self.status, [*self.headers])
        return [body]


@blueprint.post("/predict")
def predict() -> Response:
    """Read the digit in each image of the request."""
    serving = service()
    model, settings = serving.ready_model(), serving.settings
    pngs = _pngs(settings)
    metrics.IMAGES.observe(len(pngs))
    stages = metrics.Stages()
    greys = _each(partial(decode, max_pixels=settings.max_pixels), pngs)
    stages.end("decode")
    normalised = _each(normalise, greys)
    stages.end("normalise")
    readable = [entry for entry in normalised if not isinstance(entry, Problem)]
    activity = forward(model.network, _batch([image for image, _ in readable]))
    decision = decide(activity.z[-1], model.metadata)
    stages.end("forward")
    answers = _answers(model, decision, activity, [receipt for _, receipt in readable])
    if len(pngs) > 1:
        body = json.dumps({"predictions": [_document(entry, answers) for entry in normalised]})
    elif isinstance(normalised[0], Problem):
        raise normalised[0]
    else:
        body = json.dumps(next(answers))
    stages.end("encode")
    return JsonResponse(body, content_type="application/json")


def _pngs(settings: Settings) -> list[bytes]:
    try:
        return read_pngs(request, settings)
    except Problem as problem:
        metrics.REJECTION[problem.reason].inc()
        raise


def _document(entry: tuple[Grey, Receipt] | Problem, answers: Iterator[Document]) -> Document:
    return entry.document() if isinstance(entry, Problem) else next(answers)


def _each(function: Callable[[Before], After], entries: Sequence[Before | Problem]) -> list[After | Problem]:
    """Apply function to each entry that is not a Problem yet; an InvalidImage makes it one."""
    return [entry if isinstance(entry, Problem) else _attempt(function, entry) for entry in entries]


def _attempt(function: Callable[[Before], After], value: Before) -> After | Problem:
    try:
        return function(value)
    except InvalidImage as error:
        metrics.REJECTION[error.reason].inc()
        return Problem(error.reason, str(error))


def _batch(images: list[Grey]) -> npt.NDArray[np.float32]:
    return preprocess(np.array(images, np.uint8).reshape(-1, SIDE, SIDE))


def _answers(
    model: Model, decision: Decision, activity: Activity, receipts: list[Receipt]
) -> Iterator[Document]:
    """Yield the answer to each readable image, and count it."""
    about = {"name": model.metadata["name"], "version": model.metadata["version"]}
    asked = request.args if request.query_string else {}
    for row, receipt in enumerate(receipts):
        answer = _answer(Decision(*(part[row] for part in decision)))
        metrics.count_answer(answer, receipt)
        if asked.get("receipt") == "1":
            answer["receipt"] = {"pixels": _numbers(activity.a[0][row]), **asdict(receipt)}
        if asked.get("activations") == "1":
            answer["activations"] = [_numbers(a[row]) for a in activity.a]
        yield answer | {"model": about}


def _answer(decision: Decision) -> Document:
    """Say what was decided on one image: the decision's arrays without their first axis."""
    digit = int(decision.p.argmax())
    return {
        "digit": digit,
        "confidence": float(decision.p[digit]),
        "probabilities": decision.p.tolist(),
        "prediction_set": np.flatnonzero(decision.sets).tolist(),
        "abstained": bool(decision.abstained),
    }


def _numbers(values: Array) -> list[float]:
    """Six decimals are more than float32 can vouch for here, and half as long to send."""
    return values.astype(np.float64).round(6).tolist()
