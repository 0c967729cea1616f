"""Images in tensors: what a request of the Open Inference Protocol asks for, shows, and is given.

wanted    the outputs that are asked for, in bytes or as numbers, all ten classes or the likeliest few
seen      the network's input: an input `image` as it is, an input `png` read as POST /predict reads it
output    one of the outputs, from what was decided
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
from service.api.v2.tensors import Tensor, refuse
from service.api.v2.wire_format import IMAGE, Document, outputs_asked, parameters_of
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
DATATYPES = {str(output["name"]): str(output["datatype"]) for output in OUTPUTS}
Before = TypeVar("Before")
After = TypeVar("After")


class Wanted(NamedTuple):
    """An output that is asked for: in bytes or as JSON, and in place of all classes the likeliest few."""

    name: str
    in_bytes: bool
    classes: int | None


class Seen(NamedTuple):
    """The network's input x (N, 784), and what was done to each image."""

    x: Array
    receipts: list[Receipt]


def wanted(document: Document) -> list[Wanted]:
    """Return the outputs that are asked for, in that order; all of them when none is named."""
    in_bytes = _flag(parameters_of(document, "the request"), "binary_data_output", default=False)
    asked = []
    for given in outputs_asked(document) or OUTPUTS:
        name = str(given["name"])
        if name not in DATATYPES:
            refuse(f"There is no output {name[:40]!r}: there are {', '.join(DATATYPES)}.")
        parameters = parameters_of(given, f"output {name!r}")
        classes = _classes(parameters.get("classification"), name)
        asked.append(Wanted(name, _flag(parameters, "binary_data", default=in_bytes), classes))
    return asked


def _classes(given: Any, name: str) -> int | None:  # noqa: ANN401 - as JSON has it
    if given is None:
        return None
    # To JSON, 3.0 is 3 and true is no number.
    if name != "probabilities" or type(given) not in {int, float} or given < 1 or given % 1:
        refuse("classification must be a number of classes, 1 or more, of the output probabilities.")
    return int(given)


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    flag = parameters.get(name, default)
    if not isinstance(flag, bool):
        refuse(f"{name} must be true or false.")
    return flag


def seen(inputs: list[Tensor], settings: Settings, stages: metrics.Stages) -> Seen:
    """Return what the network is to see; raises Problem when it can't be read, or is not as INPUTS say."""
    names = [tensor.name for tensor in inputs]
    if names not in ([IMAGE], [PNG]):
        refuse(f"There must be one input, named {IMAGE} or {PNG}, not {', '.join(names)[:80]}.")
    tensor = inputs[0]
    if tensor.name == PNG:
        return _pictures(tensor, settings, stages)
    x = _pixels(tensor, settings)
    stages.end("decode")
    return Seen(x, [_untouched(bright) for bright in np.count_nonzero(x, axis=1)])


def _untouched(bright: int) -> Receipt:
    return Receipt(
        inverted=False, crop=(0, 0, SIDE, SIDE), scale=1.0, shift=(0, 0), ink_fraction=bright / PIXELS
    )


def _pixels(tensor: Tensor, settings: Settings) -> Array:
    """Return x (N, 784), 0 to 1, from uint8 or float32 images."""
    values = tensor.values
    if values.shape[1:] not in {(PIXELS,), (SIDE, SIDE)}:
        sent = list(values.shape)
        refuse(f"The shape of {IMAGE} must be [N, {PIXELS}] or [N, {SIDE}, {SIDE}], not {sent}.")
    _check_number(tensor, settings)
    if tensor.datatype == "UINT8":
        return preprocess(values.reshape(-1, SIDE, SIDE))
    if tensor.datatype != "FP32":
        refuse(f"The datatype of {IMAGE} must be UINT8 or FP32, not {tensor.datatype}.")
    # What is not a number is not within any limits.
    if not ((values >= 0) & (values <= 1)).all():
        refuse(f"Each value of {IMAGE} must be from 0 (black) to 1 (white) for FP32.")
    return values.reshape(-1, PIXELS)


def _check_number(tensor: Tensor, settings: Settings) -> None:
    if len(tensor.values) > settings.max_images:
        raise Problem("too_many_images", f"At most {settings.max_images} images are read in one request.")


def _pictures(tensor: Tensor, settings: Settings, stages: metrics.Stages) -> Seen:
    """Return what the network is to see of each PNG; raises Problem for the first that can't be read."""
    if tensor.datatype != "BYTES" or tensor.values.ndim != 1:
        refuse(f"{PNG} must have the datatype BYTES and the shape [N]: whole PNG files.")
    _check_number(tensor, settings)
    greys = [_read(partial(decode, max_pixels=settings.max_pixels), *at) for at in enumerate(tensor.values)]
    stages.end("decode")
    normalised = [_read(normalise, *at) for at in enumerate(greys)]
    stages.end("normalise")
    x = preprocess(np.array([image for image, _ in normalised]))
    return Seen(x, [receipt for _, receipt in normalised])


def _read(function: Callable[[Before], After], index: int, value: Before) -> After:
    try:
        return function(value)
    except InvalidImage as error:
        raise Problem(error.reason, f"{PNG}[{index}]: {error}") from error


def output(decision: Decision, asked: Wanted) -> tuple[Tensor, bool]:
    """Return an output, and whether it is wanted in bytes."""
    values = {
        "probabilities": decision.p,
        "digit": decision.p.argmax(axis=1),
        "abstained": decision.abstained,
    }
    tensor = Tensor(asked.name, DATATYPES[asked.name], values[asked.name])
    if asked.classes is not None:
        tensor = Tensor(asked.name, "BYTES", _classified(decision.p, asked.classes))
    return tensor, asked.in_bytes


def _classified(p: Array, classes: int) -> npt.NDArray[np.object_]:
    """Write each image's likeliest classes, the likeliest first, as `probability:class`: (N, classes)."""
    best = np.argsort(-p, axis=1, kind="stable")[:, :classes]
    texts = [[f"{p[row, digit]:f}:{digit}" for digit in digits] for row, digits in enumerate(best)]
    return np.array(texts, object)
