"""The model's inputs and outputs, as its metadata declare them.

model_input          the input tensor → the network's input: `image` as it is, `png` read as /predict reads it
requested_outputs    the outputs that a request names, as JSON or binary data, all classes or the top few
output_tensor        a decision → the tensor of a requested output
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from models.activations import Array
from models.decision import Decision
from models.network import CLASSES, PIXELS
from models.preprocessing import preprocess
from service.api.request_body import too_many_images
from service.api.v2.tensors import Tensor, refuse
from service.api.v2.wire_format import IMAGE, Document, output_entries, parameters_of
from service.images.codec import InvalidImage, decode
from service.images.normalise import SIDE, Receipt, normalise
from service.observability import metrics
from service.problems import Problem
from service.settings import Settings

PNG = "png"
INPUTS = [
    {"name": IMAGE, "datatype": "UINT8", "shape": [-1, PIXELS]},
    {"name": PNG, "datatype": "BYTES", "shape": [-1]},
]
OUTPUTS = [
    {"name": "probabilities", "datatype": "FP32", "shape": [-1, CLASSES]},
    {"name": "digit", "datatype": "INT64", "shape": [-1]},
    {"name": "abstained", "datatype": "BOOL", "shape": [-1]},
]
OUTPUT_DATATYPES = {str(output["name"]): str(output["datatype"]) for output in OUTPUTS}
Before = TypeVar("Before")
After = TypeVar("After")


class RequestedOutput(NamedTuple):
    """An output that a request names; with classes set, only that many of the most probable classes."""

    name: str
    as_binary: bool
    classes: int | None


class ModelInput(NamedTuple):
    """The network's input x (N, 784), and the preprocessing of each image."""

    x: Array
    receipts: list[Receipt]


def requested_outputs(document: Document) -> list[RequestedOutput]:
    """Return the outputs that a request names, in that order; all outputs if it names none."""
    as_binary = _flag(parameters_of(document, "the request"), "binary_data_output", default=False)
    requested = []
    for entry in output_entries(document) or OUTPUTS:
        name = str(entry["name"])
        if name not in OUTPUT_DATATYPES:
            refuse(f"There is no output {name[:40]!r}; the outputs are {', '.join(OUTPUT_DATATYPES)}.")
        parameters = parameters_of(entry, f"output {name!r}")
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


def model_input(inputs: list[Tensor], settings: Settings, stages: metrics.Stages) -> ModelInput:
    """Return the network's input; raises Problem for tensors that are not as in INPUTS."""
    names = [tensor.name for tensor in inputs]
    if names not in ([IMAGE], [PNG]):
        refuse(f"There must be one input, named {IMAGE} or {PNG}, not {', '.join(names)[:80]}.")
    tensor = inputs[0]
    if tensor.name == PNG:
        return _read_pngs(tensor, settings, stages)
    x = _read_pixels(tensor, settings)
    stages.end("decode")
    return ModelInput(x, [_unchanged(inked) for inked in np.count_nonzero(x, axis=1)])


def _unchanged(inked: int) -> Receipt:
    """Return the receipt of an image that needed no preprocessing; inked is its number of pixels with ink."""
    return Receipt(
        inverted=False, crop=(0, 0, SIDE, SIDE), scale=1.0, shift=(0, 0), ink_fraction=inked / PIXELS
    )


def _read_pixels(tensor: Tensor, settings: Settings) -> Array:
    """Return x (N, 784), 0 to 1, from uint8 or float32 images."""
    values = tensor.values
    if values.shape[1:] not in {(PIXELS,), (SIDE, SIDE)}:
        shape = list(values.shape)
        refuse(f"The shape of {IMAGE} must be [N, {PIXELS}] or [N, {SIDE}, {SIDE}], not {shape}.")
    if len(values) > settings.max_images:
        raise too_many_images(settings)
    if tensor.datatype == "UINT8":
        return preprocess(values.reshape(-1, SIDE, SIDE))
    if tensor.datatype != "FP32":
        refuse(f"The datatype of {IMAGE} must be UINT8 or FP32, not {tensor.datatype}.")
    # NaN is not within the limits either.
    if not ((values >= 0) & (values <= 1)).all():
        refuse(f"Each value of {IMAGE} must be from 0 (black) to 1 (white) for FP32.")
    return values.reshape(-1, PIXELS)


def _read_pngs(tensor: Tensor, settings: Settings, stages: metrics.Stages) -> ModelInput:
    """Return the network's input for PNG files; raises Problem for the first one that can't be read."""
    if tensor.datatype != "BYTES" or tensor.values.ndim != 1:
        refuse(f"{PNG} must have the datatype BYTES and the shape [N]; each element is a complete PNG file.")
    if len(tensor.values) > settings.max_images:
        raise too_many_images(settings)
    read = partial(decode, max_pixels=settings.max_pixels)
    greys = [_attempt(read, *at) for at in enumerate(tensor.values)]
    stages.end("decode")
    normalised = [_attempt(normalise, *at) for at in enumerate(greys)]
    stages.end("normalise")
    x = preprocess(np.array([image for image, _ in normalised]))
    return ModelInput(x, [receipt for _, receipt in normalised])


def _attempt(function: Callable[[Before], After], index: int, value: Before) -> After:
    try:
        return function(value)
    except InvalidImage as error:
        raise Problem(error.reason, f"{PNG}[{index}]: {error}") from error


def output_tensor(decision: Decision, requested: RequestedOutput) -> Tensor:
    """Return a requested output of a decision."""
    name = requested.name
    if requested.classes is not None:
        return Tensor(name, "BYTES", _top_classes(decision.p, requested.classes))
    values = {
        "probabilities": decision.p,
        "digit": decision.p.argmax(axis=1),
        "abstained": decision.abstained,
    }
    return Tensor(name, OUTPUT_DATATYPES[name], values[name])


def _top_classes(p: Array, number: int) -> npt.NDArray[np.object_]:
    """Return each image's most probable classes, best first, as texts `probability:class`: (N, number)."""
    top = np.argsort(-p, axis=1, kind="stable")[:, :number]
    texts = [[f"{p[row, digit]:f}:{digit}" for digit in digits] for row, digits in enumerate(top)]
    return np.array(texts, object)
