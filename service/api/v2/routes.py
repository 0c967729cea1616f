"""The routes of the Open Inference Protocol, version 2, over REST.

    GET  /v2                                              the server, and the extensions that it supports
    GET  /v2/health/live, /v2/health/ready
    GET  /v2/models/digits[/versions/V][/ready]           the model: its inputs and outputs
    POST /v2/models/digits[/versions/V]/infer             images in, digits out

Source: kserve/open-inference-protocol, specification/protocol/inference_rest.md; the extensions as Triton
documents them. The input `image` is the network's own input, 28 × 28 pixels of a centred digit; the input
`png` is any picture, read as POST /predict reads it. Errors are {"error": "…"} on every path (problems.py).
"""

import re

import numpy as np
from flask import Blueprint, Response, abort, request

from models.activations import Array
from models.decision import Decision, decide, describe
from models.network import forward
from models.store import Model
from service import __version__
from service.api.json_response import json_response
from service.api.model_state import model_state
from service.api.request_body import counting_refusals, read_body
from service.api.v2.inputs_outputs import METADATA, network_input, output_tensor, requested_outputs
from service.api.v2.tensors import Tensor, refuse
from service.api.v2.wire_format import JSON_LENGTH, Document, read_request, write_response
from service.observability import metrics
from service.observability.request_log import ENTRY
from service.problems import Problem
from service.settings import Settings

blueprint = Blueprint("open_inference", __name__, url_prefix="/v2")
MODEL = "/models/<name>"
VERSION = "/models/<name>/versions/<version>"
PLATFORM = "numpy_npz"
EXTENSIONS = ["binary_tensor_data", "classification"]
# The Content-Types that clients send for JSON, with or without binary data; curl's default is the last one.
CONTENT_TYPES = ("", "application/json", "application/octet-stream", "application/x-www-form-urlencoded")
# A length of more than ten digits exceeds any limit.
LENGTH = re.compile(r"[0-9]{1,10}", re.ASCII)


@blueprint.get("/", strict_slashes=False)
def server() -> Response:
    """Return the server's name, version and extensions."""
    return json_response({"name": "digits", "version": __version__, "extensions": EXTENSIONS})


@blueprint.get("/health/live")
def live() -> Response:
    """Return 200 while the process runs."""
    return json_response({"live": True, "ready": model_state().model is not None})


@blueprint.get("/health/ready")
def ready() -> Response:
    """Return 200 once the model has passed its checks, 503 with the reason otherwise."""
    return _readiness({"live": True})


@blueprint.get(MODEL)
@blueprint.get(VERSION)
def metadata(name: str, version: str | None = None) -> Response:
    """Return the model's inputs and outputs."""
    about = _model(name, version).metadata
    versions = {"name": about["name"], "versions": [about["version"]], "platform": PLATFORM}
    return json_response(versions | METADATA)


@blueprint.get(f"{MODEL}/ready")
@blueprint.get(f"{VERSION}/ready")
def model_ready(name: str, version: str | None = None) -> Response:
    """Return 200 if the model is ready, 503 with the reason otherwise."""
    if model_state().model:
        _model(name, version)
    return _readiness({"name": name})


@blueprint.post(f"{MODEL}/infer")
@blueprint.post(f"{VERSION}/infer")
def infer(name: str, version: str | None = None) -> Response:
    """Read the digit in each image of the request."""
    model, entry, settings = _model(name, version), request.environ[ENTRY], model_state().settings
    stages = metrics.Stages(entry.setdefault("stages", {}))
    with counting_refusals():
        document, tensor = _read_request(settings)
        outputs = requested_outputs(document)
        x = network_input(tensor, settings, stages)
    metrics.IMAGES.observe(len(x))
    entry["images"] = len(x)
    decision = decide(forward(model.network, x).z[-1], model.metadata)
    stages.end("forward")
    _count(decision, x)
    about = {"model_name": model.metadata["name"], "model_version": model.metadata["version"]}
    about["id"] = document.get("id") or entry["request"]
    tensors = [(output_tensor(decision, output), output.as_binary) for output in outputs]
    body, headers = write_response(about, tensors)
    stages.end("encode")
    return Response(body, headers=headers)


def _readiness(about: Document) -> Response:
    """Return 200 or 503; the body says the same, because some clients read only that."""
    failure = model_state().failure
    error = {"error": failure} if failure else {}
    return json_response(about | {"ready": not failure} | error, 503 if failure else 200)


def _model(name: str, version: str | None) -> Model:
    """Return the model; aborts with 404 if it has another name or version."""
    model = model_state().ready_model()
    loaded = model.metadata["name"], model.metadata["version"]
    if (name, version or loaded[1]) != loaded:
        requested = f"model {name[:40]!r}" + (f" of version {version[:20]!r}" if version else "")
        abort(404, f"There is no {requested}: the model is {loaded[0]!r}, version {loaded[1]!r}.")
    return model


def _read_request(settings: Settings) -> tuple[Document, Tensor]:
    environ = request.environ
    if request.mimetype not in CONTENT_TYPES or "HTTP_CONTENT_ENCODING" in environ:
        types = "application/json or application/octet-stream"
        raise Problem("unread_type", f"The body must be {types}, without a Content-Encoding.")
    length = environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH")
    if length is not None and not LENGTH.fullmatch(length):
        refuse(f"{JSON_LENGTH} must be the length of the JSON in bytes.")
    body = read_body(environ, settings.max_upload_bytes)
    return read_request(body, None if length is None else int(length))


def _count(decision: Decision, x: Array) -> None:
    """Count each image that was read."""
    for row, pixels in enumerate(x):
        ink_fraction = np.count_nonzero(pixels) / len(pixels)
        metrics.count_prediction(describe(Decision(*(part[row] for part in decision))), ink_fraction)
