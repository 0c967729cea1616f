"""Bodies of the Open Inference Protocol: what a request says, and how an answer is written.

    body = JSON                 data as numbers, row after row, flat or nested as the shape says
    body = JSON + bytes         with the JSON's size in a header: little-endian, in the order of the inputs
    body = bytes                with a size of 0: uint8 images, one after the other

The first is the protocol itself (REST, version 2), the others its extension binary_tensor_data. What is said
twice, not at all, or otherwise than its shape and datatype say, is refused with a sentence.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from models.network import PIXELS
from service.api.v2.tensors import DATATYPES_READ, Tensor, as_bytes, from_bytes, from_json, read_shape, refuse

JSON_BYTES = "Inference-Header-Content-Length"
SIZE = "binary_data_size"
IMAGE = "image"
Document = dict[str, Any]


class Request(NamedTuple):
    """What was asked: the JSON, without its inputs' data, and the inputs."""

    document: Document
    inputs: list[Tensor]


def read_request(body: bytes, json_bytes: int | None) -> Request:
    """Read a body whose first json_bytes (None: all) are JSON; raises Problem bad_inference.

    >>> body = b'{"inputs": [{"name": "x", "datatype": "UINT8", "shape": [1, 2], "data": [[3, 4]]}]}'
    >>> read_request(body, None).inputs[0].values
    array([[3, 4]], dtype=uint8)
    """
    if json_bytes == 0:
        return Request({}, [_raw(body)])
    if json_bytes is not None and json_bytes > len(body):
        refuse(f"{JSON_BYTES} is {json_bytes}, but the body has {len(body)} bytes.")
    document = _document(body if json_bytes is None else body[:json_bytes])
    inputs = _objects(document, "inputs")
    rest = None if json_bytes is None else body[json_bytes:]
    tensors = []
    for given in inputs:
        tensor, rest = _tensor(given, rest)
        tensors.append(tensor)
    if rest:
        refuse(f"{len(rest)} bytes are left behind the tensors: each {SIZE} says how many belong to it.")
    return Request(document, tensors)


def _raw(body: bytes) -> Tensor:
    if not body or len(body) % PIXELS:
        refuse(f"A body without JSON must be images of {PIXELS} bytes each, not {len(body)} bytes.")
    return Tensor(IMAGE, "UINT8", np.frombuffer(body, np.uint8).reshape(-1, PIXELS))


def _document(text: bytes) -> Document:
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        refuse(f"The body is no JSON that can be read: {error}.")
    if not isinstance(document, dict):
        refuse('The body must be a JSON object: {"inputs": [ … ]}.')
    if not isinstance(document.get("id", ""), str):
        refuse("id must be a string.")
    parameters_of(document, "the request")
    return document


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _objects(document: Document, key: str) -> list[Document]:
    """Return a list of objects that have names, each its own."""
    entries = document.get(key)
    if not isinstance(entries, list) or not entries:
        refuse(f"{key} must be a list with one object at least.")
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(name, str) for name in names):
        refuse(f"Each of the {key} must be an object with a name.")
    if len({*names}) < len(names):
        refuse(f"Two of the {key} have the same name.")
    return entries


def outputs_asked(document: Document) -> list[Document] | None:
    """Return the outputs that a request asks for, or None when it leaves that to the model."""
    return None if document.get("outputs") is None else _objects(document, "outputs")


def parameters_of(document: Document, what: str) -> Mapping[str, Any]:
    """Return an object's parameters."""
    parameters = document.get("parameters", {})
    if not isinstance(parameters, dict):
        refuse(f"parameters of {what} must be an object.")
    return parameters


def _tensor(given: Document, rest: bytes | None) -> tuple[Tensor, bytes | None]:
    """Read one input; rest are the bytes behind the JSON that no input has taken yet."""
    name, datatype = f"Input {str(given['name'])[:40]!r}", given.get("datatype")
    if not isinstance(datatype, str) or datatype not in DATATYPES_READ:
        refuse(f"{name}: datatype must be one of {', '.join(DATATYPES_READ)}, not {str(datatype)[:20]!r}.")
    shape = read_shape(name, given.get("shape"))
    size = parameters_of(given, name).get(SIZE)
    if (size is None) == ("data" not in given):
        refuse(f"{name} must have either data or, with bytes behind the JSON, the parameter {SIZE}.")
    if size is not None and rest is None:
        refuse(f"{name}: {SIZE} needs the JSON's size in the header {JSON_BYTES}.")
    if size is None or rest is None:
        values = from_json(name, datatype, shape, given.pop("data"))
    else:
        values, rest = from_bytes(name, datatype, shape, size, rest)
    return Tensor(given["name"], datatype, values), rest


def write_answer(document: Document, tensors: list[tuple[Tensor, bool]]) -> tuple[bytes, int | None]:
    """Return an answer's body, and the JSON's size in it; None where no tensor is to be in bytes.

    >>> tensor = Tensor("x", "BOOL", np.array([True]))
    >>> write_answer({}, [(tensor, False)])
    (b'{"outputs": [{"name": "x", "datatype": "BOOL", "shape": [1], "data": [true]}]}', None)
    """
    outputs, pieces = [], []
    for tensor, binary in tensors:
        output: Document = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": list(tensor.values.shape),
        }
        if binary:
            pieces.append(as_bytes(tensor))
            output["parameters"] = {SIZE: len(pieces[-1])}
        else:
            output["data"] = tensor.values.ravel().tolist()
        outputs.append(output)
    text = json.dumps(document | {"outputs": outputs}).encode()
    return b"".join([text, *pieces]), len(text) if pieces else None
