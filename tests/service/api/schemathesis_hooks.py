"""Requests that schemathesis can't generate from openapi.yaml: images, and tensors that fit their shapes.

A schema can say that a body is bytes, but not that they are a readable image; that data is a list of
numbers, but not that its length fits the shape; that a model has a name, but not which one. So a generated
request that should be accepted gets a valid body or name here. Requests that should be refused stay as they
are. Schemathesis loads this module (SCHEMATHESIS_HOOKS).
"""

import base64
import json
import zlib
from typing import Any

import numpy as np
import schemathesis
from schemathesis import HookContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import REQUEST_SHAPE_PROBES, coverage_scenario

from tests.conftest import DATA
from tests.parity import png_of

JSON_BYTES = "Inference-Header-Content-Length"
with np.load(DATA / "mnist_500.npz") as archive:
    IMAGES = archive["images"][:8]
LARGE = np.kron(255 - IMAGES, np.ones((1, 10, 10), np.uint8))
PNGS = [(DATA / "7.png").read_bytes(), *map(png_of, [*IMAGES, *LARGE])]
KNOWN = {"name": "digits", "version": "1.3.1"}


@schemathesis.hook
def before_call(_: HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Give a request that should be accepted a valid body and name."""
    if case.meta is None or coverage_scenario(case) in REQUEST_SHAPE_PROBES:
        return
    # A case gets the same body each time, so that it can be replayed.
    number = zlib.crc32(repr((case.body, case.query, case.headers)).encode())
    if not case.meta.is_negative_at(ParameterLocation.PATH) and number % 8:
        case.path_parameters.update({key: KNOWN[key] for key in case.path_parameters if key in KNOWN})
    if case.meta.is_negative_at(ParameterLocation.BODY) or case.meta.is_negative_at(ParameterLocation.HEADER):
        return
    if case.operation.path == "/predict":
        fill_prediction(case, kwargs, number)
    elif case.operation.path.endswith("/infer"):
        fill_inference(case, kwargs, number)


def fill_prediction(case: schemathesis.Case[Any], kwargs: dict[str, Any], number: int) -> None:
    """Send an image, or a form with up to four files, of which only the first must be an image."""
    if case.media_type == "image/png":
        kwargs["data"] = PNGS[number % len(PNGS)]
    else:
        files = [PNGS[number % len(PNGS)], b"", repr(case.body).encode(), PNGS[0]][: 1 + number % 4]
        kwargs["files"] = [(f"file{at}", ("x.png", file)) for at, file in enumerate(files)]


def fill_inference(case: Any, kwargs: dict[str, Any], number: int) -> None:  # noqa: ANN401 - its body is any JSON
    """Send images in the generated form: as numbers, as base64, or as binary data after the JSON."""
    images = IMAGES[: 1 + number % len(IMAGES)]
    if case.media_type == "application/json":
        case.headers.pop(JSON_BYTES, None)
        case.body["inputs"] = [tensor(case.body["inputs"][0], images)]
        if case.body.get("outputs"):
            named = {output["name"]: output for output in case.body["outputs"]}
            case.body["outputs"] = list(named.values())
        return
    given = {"name": "image", "datatype": "UINT8", "shape": [len(images), 784]}
    behind = given | {"parameters": {"binary_data_size": images.size}}
    text = json.dumps({"inputs": [behind]}).encode() if number % 2 else b""
    case.headers[JSON_BYTES] = str(len(text))
    kwargs["data"] = text + images.tobytes()


def tensor(made: dict[str, Any], images: Any) -> dict[str, Any]:  # noqa: ANN401 - NumPy's
    """Return the generated input with the data of images, in its shape and datatype."""
    if made["name"] == "png":
        data = [base64.b64encode(png_of(image)).decode() for image in images]
        return made | {"shape": [len(data)], "data": data, "parameters": {}}
    values = images.reshape(len(images), *made["shape"][1:])
    data = (values if made["datatype"] == "UINT8" else values / 255).tolist()
    return made | {"shape": list(values.shape), "data": data, "parameters": {}}
