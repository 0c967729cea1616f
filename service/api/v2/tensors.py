"""Tensors of the Open Inference Protocol: from JSON or binary data to arrays, and back to binary data.

JSON          a flat list, or one nested as the shape; elements of BYTES in base64, because JSON has no bytes
binary data   little-endian, row by row; each element of BYTES after its length in four bytes
"""

from base64 import b64decode
from math import prod
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from service.problems import Problem

# The protocol's datatypes that requests or responses have here, with NumPy's names for them.
DTYPES = {"UINT8": "u1", "FP32": "<f4", "INT64": "<i8", "BOOL": "?", "BYTES": "O"}
# The datatypes of inputs: the types that JSON may have for a value (True is no number), and a value in words.
JSON_VALUES: dict[str, tuple[set[type], str]] = {
    "UINT8": ({int}, "a whole number from 0 to 255"),
    "FP32": ({int, float}, "a number from 0 (black) to 1 (white)"),
    "BYTES": ({str}, "bytes in base64 (RFC 4648), without line breaks,"),
}
LENGTH_BYTES = 4
Shape = tuple[int, ...]


class Tensor(NamedTuple):
    """A named array."""

    name: str
    datatype: str
    values: npt.NDArray[Any]


def refuse(detail: str) -> NoReturn:
    """Raise Problem bad_inference; the sentence says what is wrong and what would be right."""
    raise Problem("bad_inference", detail)


def from_json(name: str, datatype: str, shape: Shape, data: object) -> npt.NDArray[Any]:
    """Return JSON data as an array of that shape; raises Problem if shape or datatype do not fit.

    >>> from_json("x", "FP32", (2, 1), [[1], [0.5]]).ravel()
    array([1. , 0.5], dtype=float32)
    """
    # Lists of unequal length stay objects in the array, and are no valid values.
    nested = np.array(data, object)
    if nested.shape not in {shape, (prod(shape),)}:
        refuse(f"data of {name} must be a list of {prod(shape)} values, or nested as shape {list(shape)}.")
    values = nested.ravel().tolist()
    types, words = JSON_VALUES[datatype]
    try:
        array = _as_array(datatype, values) if {*map(type, values)} <= types else None
    except (ValueError, ArithmeticError):
        array = None
    if array is None:
        refuse(f"Each value of {name} must be {words} for {datatype}.")
    return array.reshape(shape)


def _as_array(datatype: str, values: list[Any]) -> npt.NDArray[Any]:
    """Return values of the right types; raises ValueError or ArithmeticError for an invalid one."""
    if datatype == "BYTES":
        values = [b64decode(text, validate=True) for text in values]
    with np.errstate(over="raise"):
        return np.array(values, DTYPES[datatype])


def from_bytes(name: str, datatype: str, shape: Shape, data: bytes) -> npt.NDArray[Any]:
    """Return binary data as an array of that shape; raises Problem if it has another size."""
    dtype, count = np.dtype(DTYPES[datatype]), prod(shape)
    if datatype == "BYTES" and len(elements := _elements(name, data)) == count:
        return np.array(elements, dtype).reshape(shape)
    if datatype != "BYTES" and len(data) == count * dtype.itemsize:
        return np.frombuffer(data, dtype).reshape(shape)
    refuse(
        f"The binary data of {name} must have {count} elements of {datatype}, as shape {list(shape)} says."
    )


def _elements(name: str, data: bytes) -> list[bytes]:
    """Split binary data into the elements of BYTES."""
    elements, at = [], 0
    while at < len(data):
        start = at + LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "little")
        if start > len(data) or at > len(data):
            refuse(f"An element of {name} is shorter than its length prefix of four bytes says.")
        elements.append(data[start:at])
    return elements


def as_bytes(tensor: Tensor) -> bytes:
    r"""Return a tensor as binary data; elements of BYTES are texts here.

    >>> as_bytes(Tensor("x", "BYTES", np.array(["a"], object)))
    b'\x01\x00\x00\x00a'
    """
    if tensor.datatype != "BYTES":
        return tensor.values.astype(DTYPES[tensor.datatype]).tobytes()
    elements = [text.encode() for text in tensor.values.ravel()]
    return b"".join(len(element).to_bytes(LENGTH_BYTES, "little") + element for element in elements)
