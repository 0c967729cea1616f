"""POST /predict: PNGs in, digits out.

One request: body → PNGs → decode → normalise → preprocess → forward → JSON. The images of a request, and
those of requests that wait with it (batches.py), go through the network as one batch; one that can't be read
never fails its neighbours.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

import numpy as np
from flask import Blueprint, Response, request

from models.decision import Decision, describe
from service.api.health import service
from service.api.micro_batching import Share, hand_in
from service.api.model import ANSWER, check_query_options, explanation, numbers
from service.api.request_body import read_pngs
from service.images.codec import InvalidImage, decode
from service.images.normalise import Receipt, normalise
from service.observability import metrics
from service.observability.request_log import ENTRY, Entry
from service.observability.server_timing import HEADER
from service.problems import Problem
from service.settings import Settings
from service.shared_memory.recent_predictions import Readings

blueprint = Blueprint("predict", __name__)

Before = TypeVar("Before")
After = TypeVar("After")
Document = dict[str, Any]


class Deferred(Response):
    """JSON that is written when the server asks for it: what waits with it may be handed in before.

    How long that took is known only then, so that this header comes last, when its place is long given: a
    server may send nothing before the first of the body is there (PEP 3333).
    """

    timing: Callable[[], str]

    def __init__(self, write: Callable[[], str]) -> None:
        """Keep what writes the body."""
        super().__init__(content_type="application/json")
        self.write = write

    def __call__(self, _: Any, start_response: Any) -> Iterator[bytes]:  # noqa: ANN401 - WSGI's own
        """Answer as WSGI asks."""
        headers = [*self.headers]
        start_response(self.status, headers)
        return self._body(headers)

    def _body(self, headers: list[tuple[str, str]]) -> Iterator[bytes]:
        body = self.write().encode()
        headers.append((HEADER, self.timing()))
        self.close()
        yield body


@blueprint.post("/predict")
def predict() -> Response:
    """Read the digit in each image of the request."""
    serving, entry = service(), request.environ[ENTRY]
    model, settings = serving.ready_model(), serving.settings
    asked = _asked()
    check_query_options(asked)
    pngs = _pngs(settings)
    metrics.IMAGES.observe(len(pngs))
    entry |= {"images": len(pngs), "stages": {}}
    stages = metrics.Stages(entry["stages"])
    greys = _each(partial(decode, max_pixels=settings.max_pixels), pngs)
    stages.end("decode")
    normalised = _each(normalise, greys)
    stages.end("normalise")
    readable = [read for read in normalised if not isinstance(read, Problem)]
    if len(pngs) == 1 and isinstance(normalised[0], Problem):
        raise normalised[0]
    share = hand_in(model, [image for image, _ in readable])
    answers = _answers(share, [receipt for _, receipt in readable], asked)
    if len(pngs) == 1:
        entry["size"] = greys[0].shape[::-1] if isinstance(greys[0], np.ndarray) else None
        return Deferred(
            lambda: _written(share, entry, lambda: json.dumps(_one(answers, entry, serving.readings)))
        )
    problems = [read.document() if isinstance(read, Problem) else None for read in normalised]
    entry["refused"] = len(pngs) - len(readable)
    documents = (problem or next(answers) for problem in problems)
    return Deferred(lambda: _written(share, entry, lambda: _listed(documents)))


def _asked() -> Mapping[str, str]:
    return request.args if request.query_string else {}


def _one(answers: Iterator[Document], entry: Entry, readings: Readings | None) -> Document:
    answer = next(answers)
    if readings:
        readings.remember(entry["request"], answer["digit"])
    entry |= {key: answer[key] for key in ("digit", "confidence", "abstained")}
    return answer


def _listed(documents: Iterator[Document]) -> str:
    """Write each by itself: while json writes, it keeps Python's lock, and the worker's loop waits."""
    return f'{{"predictions": [{", ".join(map(json.dumps, documents))}]}}'


def _written(share: Share, entry: Entry, write: Callable[[], str]) -> str:
    share.result()
    stages = metrics.Stages(entry["stages"])
    stages.ms["forward"] = share.ms
    body = write()
    stages.end("encode")
    return body


def _pngs(settings: Settings) -> list[bytes]:
    try:
        return read_pngs(request, settings)
    except Problem as problem:
        metrics.REJECTION[problem.reason].inc()
        raise


def _each(function: Callable[[Before], After], entries: Sequence[Before | Problem]) -> list[After | Problem]:
    """Apply function to each entry that is not a Problem yet; an InvalidImage makes it one."""
    return [entry if isinstance(entry, Problem) else _attempt(function, entry) for entry in entries]


def _attempt(function: Callable[[Before], After], value: Before) -> After | Problem:
    try:
        return function(value)
    except InvalidImage as error:
        metrics.REJECTION[error.reason].inc()
        return Problem(error.reason, str(error))


def _answers(share: Share, receipts: list[Receipt], asked: Mapping[str, str]) -> Iterator[Document]:
    """Yield the answer to each readable image, and count it."""
    activity, decision = share.result()
    about = {key: share.model.metadata[key] for key in ("name", "version")}
    for row, receipt in enumerate(receipts, share.first):
        answer = describe(Decision(*(part[row] for part in decision)))
        metrics.count_answer(answer, receipt)
        if asked.get("receipt") == "1":
            answer["receipt"] = {"pixels": numbers(activity.a[0][row]), **asdict(receipt)}
        if asked.get("activations") == "1":
            answer["activations"] = [numbers(a[row]) for a in activity.a]
            answer["z"] = [numbers(z[row]) for z in activity.z]
        if explain := asked.get("explain"):
            digit = answer["digit"] if explain == ANSWER else int(explain)
            answer["explanation"] = explanation(share.model.network, activity, row, digit)
        yield answer | {"model": about}
