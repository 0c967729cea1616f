"""Bodies of the Open Inference Protocol: parsing an inference request, and writing the response.

    body = JSON                  values in `data`, row by row, flat or nested as the shape
    body = JSON + binary data    a header has the length of the JSON; tensors in the order of the inputs
    body = binary data           the header says 0: uint8 images, one after the other

The first form is the protocol itself (REST, version 2), the others are its extension binary_tensor_data. A
request that contradicts itself is refused with a sentence.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from models.network import PIXELS
from service.api.v2.tensors import INPUT_TYPES, Tensor, as_bytes, from_bytes, from_json, read_shape, refuse

JSON_LENGTH = "Inference-Header-Content-Length"
SIZE = "binary_data_size"
IMAGE = "image"
Document = dict[str, Any]


class InferenceRequest(NamedTuple):
    """A parsed request: the JSON without the inputs' data, and the inputs."""

    document: Document
    inputs: list[Tensor]


def read_request(body: bytes, json_length: int | None) -> InferenceRequest:
    """Parse a body whose first json_length bytes (None: all) are JSON; raises Problem bad_inference.

    >>> body = b'{"inputs": [{"name": "x", "datatype": "UINT8", "shape": [1, 2], "data": [[3, 4]]}]}'
    >>> read_request(body, None).inputs[0].values
    array([[3, 4]], dtype=uint8)
    """
    if json_length == 0:
        return InferenceRequest({}, [_raw_images(body)])
    if json_length is not None and json_length > len(body):
        refuse(f"{JSON_LENGTH} is {json_length}, but the body has {len(body)} bytes.")
    document = _read_document(body[:json_length])
    binary = None if json_length is None else body[json_length:]
    tensors = []
    for entry in _named_objects(document, "inputs"):
        tensor, binary = _read_tensor(entry, binary)
        tensors.append(tensor)
    if binary:
        refuse(f"{len(binary)} bytes are left after the last input: the sum of {SIZE} is too small.")
    return InferenceRequest(document, tensors)


def _raw_images(body: bytes) -> Tensor:
    if not body or len(body) % PIXELS:
        refuse(f"A body without JSON must be images of {PIXELS} bytes each, not {len(body)} bytes.")
    return Tensor(IMAGE, "UINT8", np.frombuffer(body, np.uint8).reshape(-1, PIXELS))


def _read_document(text: bytes) -> Document:
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        refuse(f"The body is not valid JSON: {error}.")
    if not isinstance(document, dict):
        refuse('The body must be a JSON object: {"inputs": [ … ]}.')
    if not isinstance(document.get("id", ""), str):
        refuse("id must be a string.")
    parameters_of(document, "the request")
    return document


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser accepts and JSON does not have."""
    raise ValueError(f"{name} is not a number in JSON")


def _named_objects(document: Document, key: str) -> list[Document]:
    """Return the list of objects under a key; each must have a name of its own."""
    entries = document.get(key)
    if not isinstance(entries, list) or not entries:
        refuse(f"{key} must be a list of at least one object.")
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(name, str) for name in names):
        refuse(f"Each of the {key} must be an object with a name.")
    if len({*names}) < len(names):
        refuse(f"Two of the {key} have the same name.")
    return entries


def output_entries(document: Document) -> list[Document] | None:
    """Return the outputs that a request names, or None if it names none."""
    return None if document.get("outputs") is None else _named_objects(document, "outputs")


def parameters_of(entry: Document, what: str) -> Mapping[str, Any]:
    """Return an object's parameters."""
    parameters = entry.get("parameters", {})
    if not isinstance(parameters, dict):
        refuse(f"parameters of {what} must be an object.")
    return parameters


def _read_tensor(entry: Document, binary: bytes | None) -> tuple[Tensor, bytes | None]:
    """Return one input, and the binary data that is left for the next ones (None: the request has none)."""
    name, datatype = f"Input {str(entry['name'])[:40]!r}", entry.get("datatype")
    if not isinstance(datatype, str) or datatype not in INPUT_TYPES:
        refuse(f"{name}: datatype must be one of {', '.join(INPUT_TYPES)}, not {str(datatype)[:20]!r}.")
    shape = read_shape(name, entry.get("shape"))
    size = parameters_of(entry, name).get(SIZE)
    if (size is None) == ("data" not in entry):
        refuse(f"{name} must have either data or, for binary data after the JSON, the parameter {SIZE}.")
    if size is None:
        values = from_json(name, datatype, shape, entry.pop("data"))
    elif binary is None:
        refuse(f"{name}: {SIZE} requires the header {JSON_LENGTH}, the length of the JSON.")
    else:
        values, binary = from_bytes(name, datatype, shape, size, binary)
    return Tensor(entry["name"], datatype, values), binary


def write_response(document: Document, tensors: list[tuple[Tensor, bool]]) -> tuple[bytes, int | None]:
    """Return the body of a response, and the length of its JSON (None: no binary data follows).

    Each tensor has a flag: whether it is written as binary data.

    >>> tensor = Tensor("x", "BOOL", np.array([True]))
    >>> write_response({}, [(tensor, False)])
    (b'{"outputs": [{"name": "x", "datatype": "BOOL", "shape": [1], "data": [true]}]}', None)
    """
    outputs, pieces = [], []
    for tensor, as_binary in tensors:
        output: Document = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": list(tensor.values.shape),
        }
        if as_binary:
            pieces.append(as_bytes(tensor))
            output["parameters"] = {SIZE: len(pieces[-1])}
        else:
            output["data"] = tensor.values.ravel().tolist()
        outputs.append(output)
    text = json.dumps(document | {"outputs": outputs}).encode()
    return b"".join([text, *pieces]), len(text) if pieces else None
