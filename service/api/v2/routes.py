"""The Open Inference Protocol, version 2, over REST: what any client of a model server speaks.

    GET  /v2                                              the server, and the extensions that it knows
    GET  /v2/health/live, /v2/health/ready
    GET  /v2/models/digits[/versions/V][/ready]           the model: its inputs and outputs
    POST /v2/models/digits[/versions/V]/infer             images in, digits out

Source: kserve/open-inference-protocol, specification/protocol/inference_rest.md; the extensions as Triton
describes them. An input `image` is what the network sees, 28 × 28 pixels of a digit that is already in its
place; an input `png` is any picture, read as POST /predict reads it. An error is {"error": "…"} on every path
here (problems.py).
"""

import json
import re

from flask import Blueprint, Response, abort, request

from models.decision import Decision, decide, describe
from models.network import forward
from models.store import Model
from service import __version__
from service.api.model_state import model_state
from service.api.request_body import read_body
from service.api.v2.inputs_outputs import INPUTS, OUTPUTS, output, seen, wanted
from service.api.v2.tensors import refuse
from service.api.v2.wire_format import JSON_BYTES, Document, Request, read_request, write_answer
from service.images.normalise import Receipt
from service.observability import metrics
from service.observability.request_log import ENTRY
from service.problems import Problem
from service.settings import Settings

blueprint = Blueprint("open_inference", __name__, url_prefix="/v2")
MODEL = "/models/<name>"
VERSION = "/models/<name>/versions/<version>"
PLATFORM = "numpy_npz"
EXTENSIONS = ["binary_tensor_data", "classification"]
# What clients call a body of JSON, with or without bytes behind it; the last is curl's when told nothing.
BODIES = ("", "application/json", "application/octet-stream", "application/x-www-form-urlencoded")


# Ten digits are more than any limit.
DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)


@blueprint.get("/", strict_slashes=False)
def server() -> Response:
    """Answer with what this is, and what it understands."""
    return _json({"name": "digits", "version": __version__, "extensions": EXTENSIONS})


@blueprint.get("/health/live")
def live() -> Response:
    """Answer that the process lives, and whether it is ready."""
    return _json({"live": True, "ready": model_state().model is not None})


@blueprint.get("/health/ready")
def ready() -> Response:
    """Answer 200 once the model has passed its checks, 503 with the reason otherwise."""
    return _readiness({"live": True})


@blueprint.get(MODEL)
@blueprint.get(VERSION)
def metadata(name: str, version: str | None = None) -> Response:
    """Answer with the model's inputs and outputs."""
    about = _model(name, version).metadata
    versions = {"name": about["name"], "versions": [about["version"]], "platform": PLATFORM}
    return _json(versions | {"inputs": INPUTS, "outputs": OUTPUTS})


@blueprint.get(f"{MODEL}/ready")
@blueprint.get(f"{VERSION}/ready")
def model_ready(name: str, version: str | None = None) -> Response:
    """Answer whether the model is ready: 200 or 503."""
    if model_state().model:
        _model(name, version)
    return _readiness({"name": name})


@blueprint.post(f"{MODEL}/infer")
@blueprint.post(f"{VERSION}/infer")
def infer(name: str, version: str | None = None) -> Response:
    """Read the digit in each image of the request."""
    model, entry = _model(name, version), request.environ[ENTRY]
    stages = metrics.Stages(entry.setdefault("stages", {}))
    try:
        asked = _asked(model_state().settings)
        outputs = wanted(asked.document)
        shown = seen(asked.inputs, model_state().settings, stages)
    except Problem as problem:
        metrics.REJECTION[problem.reason].inc()
        raise
    metrics.IMAGES.observe(len(shown.x))
    entry["images"] = len(shown.x)
    decision = decide(forward(model.network, shown.x).z[-1], model.metadata)
    stages.end("forward")
    _count(decision, shown.receipts)
    about = {"model_name": model.metadata["name"], "model_version": model.metadata["version"]}
    about["id"] = asked.document.get("id") or entry["request"]
    body, json_bytes = write_answer(about, [output(decision, one) for one in outputs])
    stages.end("encode")
    if json_bytes is None:
        return Response(body, content_type="application/json")
    return Response(body, headers={JSON_BYTES: str(json_bytes)}, content_type="application/octet-stream")


def _json(document: Document, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")


def _readiness(about: Document) -> Response:
    """Answer 200 or 503; some clients read the status, some the body."""
    failure = model_state().failure
    if not failure:
        return _json(about | {"ready": True})
    return _json(about | {"ready": False, "error": failure}, 503)


def _model(name: str, version: str | None) -> Model:
    """Return the model; aborts with 404 when it has another name or version."""
    model = model_state().ready_model()
    this = model.metadata["name"], model.metadata["version"]
    if (name, version or this[1]) != this:
        found = f"model {name[:40]!r}" + (f" of version {version[:20]!r}" if version else "")
        abort(404, f"There is no {found}: this is {this[0]!r}, version {this[1]!r}.")
    return model


def _asked(settings: Settings) -> Request:
    environ = request.environ
    if request.mimetype not in BODIES or "HTTP_CONTENT_ENCODING" in environ:
        given = environ.get("HTTP_CONTENT_ENCODING", request.mimetype)
        raise Problem("unread_type", f"A body of {given[:40]!r} is not read: send application/json as it is.")
    size = environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH")
    if size is not None and not DIGITS.fullmatch(size):
        refuse(f"{JSON_BYTES} must be the number of bytes of JSON before the tensors' own.")
    return read_request(read_body(environ, settings.max_upload_bytes), None if size is None else int(size))


def _count(decision: Decision, receipts: list[Receipt]) -> None:
    """Count each image that was read."""
    for row, receipt in enumerate(receipts):
        metrics.count_prediction(describe(Decision(*(part[row] for part in decision))), receipt)
