"""POST /predict: PNGs in, digits out.

One request: body → PNGs → decode → normalise → preprocess → forward → JSON. The images of a request, and of
requests that the server began together with it (micro_batching.py), go through the network as one batch. An
image that can't be read never fails its neighbours.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from flask import Blueprint, Response, request

from models.decision import Decision, describe
from service.api.micro_batching import Share, submit
from service.api.model import ANSWER, check_query_options, explanation, numbers
from service.api.model_state import model_state
from service.api.read_images import read_images
from service.api.request_body import counting_refusals, read_pngs
from service.images.codec import InvalidImage
from service.images.normalise import Receipt
from service.observability import metrics
from service.observability.request_log import ENTRY, Entry
from service.pending_response import PendingResponse
from service.problems import Problem
from service.shared_memory.recent_predictions import RecentPredictions

blueprint = Blueprint("predict", __name__)

Document = dict[str, Any]


@blueprint.post("/predict")
def predict() -> Response:
    """Predict the digit in each image of the request."""
    state, entry = model_state(), request.environ[ENTRY]
    model, settings = state.ready_model(), state.settings
    # Most requests have no query, and parsing none takes as long as parsing one.
    options = request.args if request.query_string else {}
    check_query_options(options)
    with counting_refusals():
        pngs = read_pngs(request, settings)
    metrics.IMAGES.observe(len(pngs))
    entry |= {"images": len(pngs), "stages": {}}
    stages = metrics.Stages(entry["stages"])
    greys, images = read_images(pngs, settings.max_pixels, stages)
    readable = [image for image in images if not isinstance(image, InvalidImage)]
    problems = [_refused(image) if isinstance(image, InvalidImage) else None for image in images]
    if len(pngs) == 1 and problems[0]:
        raise problems[0]
    share = submit(model, [image for image, _ in readable])
    documents = _documents(share, [receipt for _, receipt in readable], options)
    if len(pngs) == 1:
        entry["size"] = greys[0].shape[::-1] if isinstance(greys[0], np.ndarray) else None
        encode = partial(_encode_one, documents, entry, state.recent)
    else:
        entry["refused"] = len(pngs) - len(readable)
        answers = [problem and problem.document() for problem in problems]
        encode = partial(_encode_all, (answer or next(documents) for answer in answers))
    return PendingResponse(partial(_write, share, entry, encode), request.path)


def _refused(error: InvalidImage) -> Problem:
    """Count an image that can't be read, and return its problem."""
    metrics.REJECTION[error.reason].inc()
    return Problem(error.reason, str(error))


def _documents(share: Share, receipts: list[Receipt], options: Mapping[str, str]) -> Iterator[Document]:
    """Yield the answer about each readable image, and count it."""
    activity, decision = share.result()
    about = {key: share.model.metadata[key] for key in ("name", "version")}
    for row, receipt in enumerate(receipts, share.first_row):
        document = describe(Decision(*(part[row] for part in decision)))
        metrics.count_prediction(document, receipt.ink_fraction)
        if options.get("receipt") == "1":
            document["receipt"] = {"pixels": numbers(activity.a[0][row]), **asdict(receipt)}
        if options.get("activations") == "1":
            document["activations"] = [numbers(a[row]) for a in activity.a]
            document["z"] = [numbers(z[row]) for z in activity.z]
        if explain := options.get("explain"):
            digit = document["digit"] if explain == ANSWER else int(explain)
            document["explanation"] = explanation(share.model.network, activity, row, digit)
        yield document | {"model": about}


def _write(share: Share, entry: Entry, encode: Callable[[], str]) -> str:
    """Return the body, once the batch has run: the two last stages."""
    share.result()
    stages = metrics.Stages(entry["stages"])
    stages.ms["forward"] = share.forward_ms
    body = encode()
    stages.end("encode")
    return body


def _encode_one(documents: Iterator[Document], entry: Entry, recent: RecentPredictions | None) -> str:
    document = next(documents)
    if recent:
        recent.remember(entry["request"], document["digit"])
    entry |= {key: document[key] for key in ("digit", "confidence", "abstained")}
    return json.dumps(document)


def _encode_all(documents: Iterator[Document]) -> str:
    """Encode document by document: json.dumps holds the GIL, and the server's loop would wait for it."""
    return f'{{"predictions": [{", ".join(map(json.dumps, documents))}]}}'
