"""What is inside the model in service: its layers, each neuron's weights, and why a digit was read.

    GET /model                                 the metadata of the weights file
    GET /model/layers                          sizes, activations, temperature and thresholds
    GET /model/layers/<layer>/neurons/<neuron> the weights into a neuron and out of it, and its bias
    POST /predict?explain=answer               what each pixel added to the answer's logit; or ?explain=3

Layers and neurons are counted from 0, as in W0, b0, z[0]: layer 0 is the first that has weights.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from flask import Blueprint, Response, abort

from models.activations import Array
from models.explain import relevance
from models.network import CLASSES, Activity, Network
from service.api.model_state import model_state

blueprint = Blueprint("model", __name__)
ANSWER = "answer"
DIGITS = tuple(map(str, range(CLASSES)))
# What an answer may have besides, each by its parameter's values: those, and how they are said.
WISHES = {
    "receipt": ({"0", "1"}, "`0` or `1`"),
    "activations": ({"0", "1"}, "`0` or `1`"),
    "explain": ({ANSWER, *DIGITS}, f"`{ANSWER}` or one digit from {DIGITS[0]} to {DIGITS[-1]}"),
}


def numbers(values: Array, decimals: int = 6) -> list[float]:
    """Return plain numbers; six decimals are more than float32 can vouch for here, and half as long."""
    return values.astype(np.float64).round(decimals).tolist()


def check_wishes(asked: Mapping[str, str]) -> None:
    """Refuse, with 400, a wish that is not understood; parameters of other names are none."""
    for name, (values, words) in WISHES.items():
        if name in asked and asked[name] not in values:
            abort(400, f"{name} must be {words}, not {asked[name][:20]!r}.")


def explanation(network: Network, activity: Activity, row: int, digit: int) -> dict[str, Any]:
    """Say what each pixel of a row added to a digit's logit; the rest is the biases' part, with relu."""
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
    """Answer with what is needed to draw the network."""
    ready = model_state().ready_model()
    known = ("name", "version", "temperature", "set_threshold", "evidence_threshold")
    found = [
        {"inputs": layer.W.shape[0], "neurons": layer.W.shape[1], "activation": layer.activation}
        for layer in ready.network
    ]
    return _json({"layers": found, **{key: ready.metadata[key] for key in known}})


@blueprint.get("/model/layers/<layer>/neurons/<neuron>")
def neuron(layer: str, neuron: str) -> Response:
    """Answer with one neuron's parameters; weights_out is empty in the last layer."""
    network = model_state().ready_model().network
    at = _index("layer", layer, len(network))
    here = network[at]
    which = _index(f"neuron in layer {at}", neuron, len(here.b))
    out = network[at + 1].W[which] if at + 1 < len(network) else np.zeros(0, np.float32)
    document: dict[str, Any] = {
        "layer": at,
        "neuron": which,
        "activation": here.activation,
        "bias": float(here.b[which]),
        "weights_in": numbers(here.W[:, which], 8),
        "weights_out": numbers(out, 8),
    }
    if here.slope is not None:
        document["slope"] = float(here.slope[which])
    return _json(document)


def _index(what: str, text: str, number: int) -> int:
    """Read an index below `number`; raises 404 with a sentence for anything else."""
    plain = text.isascii() and text.isdecimal() and len(text) < 10
    if not plain or int(text) >= number:
        abort(404, f"There is no {what} {text[:20]!r}: they are counted from 0 to {number - 1}.")
    return int(text)


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), content_type="application/json")
