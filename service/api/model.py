"""The model in service: its layers, the weights of each neuron, and the optional parts of a prediction.

    GET /model                                  the metadata of the weights file
    GET /model/layers                           sizes, activations, temperature and thresholds
    GET /model/layers/<layer>/neurons/<neuron>  the weights into a neuron and out of it, and its bias

Layers and neurons are numbered from 0, as in W0, b0 and z[0]: layer 0 is the first one with weights.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from flask import Blueprint, Response, abort

from models.activations import Array
from models.explain import relevance
from models.network import CLASSES, Activity, Network
from service.api.json_response import json_response
from service.api.model_state import model_state

blueprint = Blueprint("model", __name__)
ANSWER = "answer"
DIGITS = tuple(map(str, range(CLASSES)))
# The options in the query of POST /predict: their values, and how an error lists them.
QUERY_OPTIONS = {
    "receipt": ({"0", "1"}, "`0` or `1`"),
    "activations": ({"0", "1"}, "`0` or `1`"),
    "explain": ({ANSWER, *DIGITS}, f"`{ANSWER}` or one digit from {DIGITS[0]} to {DIGITS[-1]}"),
}


def numbers(values: Array, decimals: int = 6) -> list[float]:
    """Return rounded numbers for JSON: float32 has no more digits to give, and the text is half as long."""
    return values.astype(np.float64).round(decimals).tolist()


def check_query_options(query: Mapping[str, str]) -> None:
    """Abort with 400 if an option has an invalid value; parameters of other names are ignored."""
    for name, (values, words) in QUERY_OPTIONS.items():
        if name in query and query[name] not in values:
            abort(400, f"{name} must be {words}, not {query[name][:20]!r}.")


def explanation(network: Network, activity: Activity, row: int, digit: int) -> dict[str, Any]:
    """Return what each pixel of an image added to a digit's logit; `rest` is what the biases added."""
    one = Activity([z[row : row + 1] for z in activity.z], [a[row : row + 1] for a in activity.a])
    pixels, logit = relevance(network, one, [digit])[0], float(one.z[-1][0, digit])
    return {
        "digit": digit,
        "logit": round(logit, 6),
        "rest": round(logit - float(pixels.sum()), 6),
        "relevance": numbers(pixels),
    }


@blueprint.get("/model")
def model() -> Response:
    """Answer with the metadata of the model in service."""
    return Response(model_state().metadata, content_type="application/json")


@blueprint.get("/model/layers")
def layers() -> Response:
    """Return what a client needs to draw the network."""
    ready = model_state().ready_model()
    fields = ("name", "version", "temperature", "set_threshold", "evidence_threshold")
    sizes = [
        {"inputs": layer.W.shape[0], "neurons": layer.W.shape[1], "activation": layer.activation}
        for layer in ready.network
    ]
    return json_response({"layers": sizes, **{field: ready.metadata[field] for field in fields}})


@blueprint.get("/model/layers/<layer>/neurons/<neuron>")
def neuron(layer: str, neuron: str) -> Response:
    """Return one neuron's parameters; weights_out is empty in the last layer."""
    network = model_state().ready_model().network
    at = _index(layer, len(network), "layer")
    here = network[at]
    index = _index(neuron, len(here.b), "neuron", f" in layer {at}")
    out = network[at + 1].W[index] if at + 1 < len(network) else np.zeros(0, np.float32)
    slope = {} if here.slope is None else {"slope": float(here.slope[index])}
    document = {
        "layer": at,
        "neuron": index,
        "activation": here.activation,
        "bias": float(here.b[index]),
        "weights_in": numbers(here.W[:, index], 8),
        "weights_out": numbers(out, 8),
    }
    return json_response(document | slope)


def _index(text: str, count: int, kind: str, where: str = "") -> int:
    """Parse an index below `count`; aborts with 404 for anything else."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    if not is_number or int(text) >= count:
        abort(404, f"There is no {kind} {text[:20]!r}{where}: {kind}s are numbered from 0 to {count - 1}.")
    return int(text)
