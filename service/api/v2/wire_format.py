"""Bodies of the Open Inference Protocol: parsing an inference request, and writing the response.

    body = JSON                  values in `data`, row by row, flat or nested as the shape
    body = JSON + binary data    a header has the length of the JSON; the input's values come after it
    body = binary data           the header says 0: uint8 images, one after the other

The first form is the protocol itself (REST, version 2), the others are its extension binary_tensor_data. A
request that contradicts itself is refused with a sentence.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

from models.network import PIXELS
from service.api.v2.tensors import Shape, Tensor, as_bytes, from_bytes, from_json, refuse
from service.images.normalise import SIDE

JSON_LENGTH = "Inference-Header-Content-Length"
SIZE = "binary_data_size"
MAX_SIDE = 2**31 - 1
IMAGE, PNG = "image", "png"
Document = dict[str, Any]


class Input(NamedTuple):
    """An input: its datatypes, the shapes that each of its N images may have, and both in words."""

    datatypes: tuple[str, ...]
    shapes: tuple[Shape, ...]
    words: str


# The inputs of the model, of which a request has one. The metadata name the first datatype and shape.
INPUTS = {
    IMAGE: Input(("UINT8", "FP32"), ((PIXELS,), (SIDE, SIDE)), f"[N, {PIXELS}] or [N, {SIDE}, {SIDE}]"),
    PNG: Input(("BYTES",), ((),), "[N]"),
}


def read_request(body: bytes, json_length: int | None) -> tuple[Document, Tensor]:
    r"""Return the JSON and the input of a body whose first json_length bytes (None: all) are JSON.

    Raises Problem bad_inference.

    >>> body = b'{"inputs": [{"name": "png", "datatype": "BYTES", "shape": [1], "data": ["AAEC"]}]}'
    >>> read_request(body, None)[1].values
    array([b'\x00\x01\x02'], dtype=object)
    """
    if json_length == 0:
        shape = (max(len(body) // PIXELS, 1), PIXELS)
        return {}, Tensor(IMAGE, "UINT8", from_bytes(IMAGE, "UINT8", shape, body))
    if json_length is not None and json_length > len(body):
        refuse(f"{JSON_LENGTH} is {json_length}, but the body has {len(body)} bytes.")
    document = _read_document(body[:json_length])
    entries = named_objects(document, "inputs")
    if len(entries) > 1 or entries[0]["name"] not in INPUTS:
        names = ", ".join(entry["name"] for entry in entries)
        refuse(f"There must be one input, named {' or '.join(INPUTS)}, not {names[:80]}.")
    return document, _read_input(entries[0], b"" if json_length is None else body[json_length:])


def _read_document(text: bytes) -> Document:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        refuse(f"The body is not valid JSON: {error}.")
    if not isinstance(document, dict):
        refuse('The body must be a JSON object: {"inputs": [ … ]}.')
    if not isinstance(document.get("id", ""), str):
        refuse("id must be a string.")
    return document


def named_objects(document: Document, key: str) -> list[Document]:
    """Return the list of objects under a key; each must have a name of its own."""
    entries = document.get(key)
    if not isinstance(entries, list) or not entries:
        refuse(f"{key} must be a list of at least one object.")
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        refuse(f"Each of the {key} must be an object with a name of its own.")
    return entries


def parameters_of(entry: Document) -> Mapping[str, Any]:
    """Return the parameters of an input, of an output or of the request."""
    parameters = entry.get("parameters", {})
    if not isinstance(parameters, dict):
        refuse("parameters must be an object.")
    return parameters


def _is_shape(shape: object) -> TypeGuard[list[int]]:
    if not isinstance(shape, list):
        return False
    return bool(shape) and all(type(side) is int and 0 < side <= MAX_SIDE for side in shape)


def _read_input(entry: Document, binary: bytes) -> Tensor:
    """Return the input; raises Problem unless it is as INPUTS says, in JSON or as all of the binary data."""
    name, datatype, shape = entry["name"], entry.get("datatype"), entry.get("shape")
    datatypes, shapes, words = INPUTS[name]
    if datatype not in datatypes:
        refuse(f"The datatype of {name} must be {' or '.join(datatypes)}.")
    if not _is_shape(shape) or tuple(shape[1:]) not in shapes:
        refuse(f"The shape of {name} must be {words}, with N from 1.")
    size = parameters_of(entry).get(SIZE)
    if (size is None) == ("data" not in entry):
        refuse(f"{name} must have either data or, for binary data after the JSON, the parameter {SIZE}.")
    if (size or 0) != len(binary):
        refuse(f"{SIZE} must be {len(binary)}: the bytes after the JSON, whose length is in {JSON_LENGTH}.")
    if size is None:
        return Tensor(name, datatype, from_json(name, datatype, tuple(shape), entry["data"]))
    return Tensor(name, datatype, from_bytes(name, datatype, tuple(shape), binary))


def write_response(document: Document, tensors: list[tuple[Tensor, bool]]) -> tuple[bytes, dict[str, str]]:
    """Return the body of a response, and the headers that describe it.

    Each tensor has a flag: whether it is written as binary data.

    >>> tensor = Tensor("x", "UINT8", from_bytes("x", "UINT8", (1,), b"a"))
    >>> write_response({}, [(tensor, False)])[0]
    b'{"outputs": [{"name": "x", "datatype": "UINT8", "shape": [1], "data": [97]}]}'
    >>> write_response({}, [(tensor, True)])[0]
    b'{"outputs": [{"name": "x", "datatype": "UINT8", "shape": [1], "parameters": {"binary_data_size": 1}}]}a'
    """
    outputs, binary = [], b""
    for tensor, as_binary in tensors:
        name, datatype, values = tensor
        output: Document = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if as_binary:
            data = as_bytes(tensor)
            output["parameters"] = {SIZE: len(data)}
            binary += data
        else:
            output["data"] = values.ravel().tolist()
        outputs.append(output)
    text = json.dumps(document | {"outputs": outputs}).encode()
    if not binary:
        return text, {"Content-Type": "application/json"}
    return text + binary, {"Content-Type": "application/octet-stream", JSON_LENGTH: str(len(text))}
