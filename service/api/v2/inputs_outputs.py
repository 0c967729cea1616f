"""The model's inputs and outputs, as its metadata declare them.

network_input        the input tensor → the network's input: `image` as it is, `png` read as /predict reads it
requested_outputs    the outputs that a request names, as JSON or binary data, all classes or the top few
output_tensor        a decision → the tensor of a requested output
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.activations import Array
from models.decision import Decision
from models.network import CLASSES, PIXELS
from models.preprocessing import preprocess
from service.api.read_images import read_images
from service.api.request_body import too_many_images
from service.api.v2.tensors import Tensor, refuse
from service.api.v2.wire_format import IMAGE, INPUTS, PNG, Document, named_objects, parameters_of
from service.images.codec import InvalidImage
from service.images.normalise import SIDE
from service.observability.metrics import Stages
from service.problems import Problem
from service.settings import Settings

# Each output's datatype, and its shape for one image.
OUTPUTS: dict[str, tuple[str, list[int]]] = {
    "probabilities": ("FP32", [CLASSES]),
    "digit": ("INT64", []),
    "abstained": ("BOOL", []),
}


def _describe(name: str, datatype: str, shape: Iterable[int]) -> Document:
    return {"name": name, "datatype": datatype, "shape": [-1, *shape]}


METADATA = {
    "inputs": [_describe(name, about.datatypes[0], about.shapes[0]) for name, about in INPUTS.items()],
    "outputs": [_describe(name, *about) for name, about in OUTPUTS.items()],
}


class RequestedOutput(NamedTuple):
    """An output that a request names; with classes set, only that many of the most probable classes."""

    name: str
    as_binary: bool
    classes: int | None


def requested_outputs(document: Document) -> list[RequestedOutput]:
    """Return the outputs that a request names, in that order; all outputs if it names none."""
    as_binary = _flag(parameters_of(document), "binary_data_output", default=False)
    requested = []
    named = document.get("outputs") is not None
    for entry in named_objects(document if named else METADATA, "outputs"):
        name, parameters = entry["name"], parameters_of(entry)
        if name not in OUTPUTS:
            refuse(f"There is no output {name[:40]!r}; the outputs are {', '.join(OUTPUTS)}.")
        classes = _classes(parameters.get("classification"), name)
        requested.append(RequestedOutput(name, _flag(parameters, "binary_data", default=as_binary), classes))
    return requested


def _classes(number: Any, name: str) -> int | None:  # noqa: ANN401 - any JSON
    if number is None:
        return None
    # In JSON, 3.0 is the number 3, and true is not a number.
    if name != "probabilities" or type(number) not in {int, float} or number < 1 or number % 1:
        refuse("classification must be a whole number, 1 or more, and only of the output probabilities.")
    return int(number)


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    flag = parameters.get(name, default)
    if not isinstance(flag, bool):
        refuse(f"{name} must be true or false.")
    return flag


def network_input(tensor: Tensor, settings: Settings, stages: Stages) -> Array:
    """Return the network's input x (N, 784); raises Problem for too many images or an invalid one."""
    if len(tensor.values) > settings.max_images:
        raise too_many_images(settings)
    if tensor.name == PNG:
        return _read_pngs(tensor.values.tolist(), settings.max_pixels, stages)
    if tensor.datatype == "UINT8":
        x = preprocess(tensor.values.reshape(-1, SIDE, SIDE))
    else:
        x = tensor.values.reshape(-1, PIXELS)
        # NaN is not within the limits either.
        if not ((x >= 0) & (x <= 1)).all():
            refuse(f"Each value of {IMAGE} must be from 0 (black) to 1 (white) for FP32.")
    stages.end("decode")
    return x


def _read_pngs(pngs: list[bytes], max_pixels: int, stages: Stages) -> Array:
    """Return x for PNG files; raises Problem for the first one that can't be read."""
    readable = []
    for index, image in enumerate(read_images(pngs, max_pixels, stages)[1]):
        if isinstance(image, InvalidImage):
            raise Problem(image.reason, f"{PNG}[{index}]: {image}")
        readable.append(image[0])
    return preprocess(np.array(readable))


def output_tensor(decision: Decision, requested: RequestedOutput) -> Tensor:
    """Return a requested output of a decision."""
    name, p = requested.name, decision.p
    if requested.classes is not None:
        return Tensor(name, "BYTES", _top_classes(p, requested.classes))
    values = {"probabilities": p, "digit": p.argmax(axis=1), "abstained": decision.abstained}
    return Tensor(name, OUTPUTS[name][0], values[name])


def _top_classes(p: Array, number: int) -> npt.NDArray[np.object_]:
    """Return each image's most probable classes, best first, as texts `probability:class`: (N, number)."""
    top = np.argsort(-p, axis=1, kind="stable")[:, :number]
    texts = [[f"{p[row, digit]:f}:{digit}" for digit in digits] for row, digits in enumerate(top)]
    return np.array(texts, object)
