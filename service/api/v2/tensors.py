"""Tensors of the Open Inference Protocol: from JSON or binary data to arrays, and back to binary data.

JSON          a flat list, or one nested as the shape; elements of BYTES in base64, because JSON has no bytes
binary data   little-endian, row by row; each element of BYTES after its length in four bytes
"""

from base64 import b64decode
from itertools import chain
from math import prod
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from service.problems import Problem

# The protocol's datatypes that requests or responses have here, with NumPy's names for them.
DATATYPES = {"UINT8": "u1", "FP32": "<f4", "INT64": "<i8", "BOOL": "?", "BYTES": "O"}
# The datatypes of inputs, with the types that JSON may have for a value; True is no number here.
INPUT_TYPES: dict[str, frozenset[type]] = {
    "UINT8": frozenset({int}),
    "FP32": frozenset({int, float}),
    "BYTES": frozenset({str}),
}
MAX_DIMENSIONS = 4
MAX_SIDE = 2**31 - 1
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


def read_shape(name: str, shape: object) -> Shape:
    """Return the shape of the tensor of that name; raises Problem for an invalid one."""
    if not isinstance(shape, list) or not 1 <= len(shape) <= MAX_DIMENSIONS:
        refuse(f"{name}: shape must be a list of 1 to {MAX_DIMENSIONS} numbers.")
    if not all(type(side) is int and 0 < side <= MAX_SIDE for side in shape):
        refuse(f"{name}: each number in shape must be a whole number from 1 to {MAX_SIDE}.")
    return tuple(shape)


def from_json(name: str, datatype: str, shape: Shape, data: object) -> npt.NDArray[Any]:
    """Return JSON data as an array of that shape; raises Problem if shape or datatype do not fit.

    >>> from_json("x", "FP32", (2, 1), [[1], [0.5]]).ravel()
    array([1. , 0.5], dtype=float32)
    """
    if not isinstance(data, list):
        refuse(f"{name}: data must be a list.")
    values, nesting = _flatten(name, data)
    if len(values) != prod(shape) or nesting not in {(), shape}:
        found = f"{len(values)} values" + (f" nested as {list(nesting)}" if nesting else "")
        refuse(f"{name}: shape {list(shape)} needs {prod(shape)} values, flat or nested alike, not {found}.")
    if not {*map(type, values)} <= INPUT_TYPES[datatype]:
        kinds = " or ".join(sorted(kind.__name__ for kind in INPUT_TYPES[datatype]))
        refuse(f"{name}: each value of data must be of type {kinds} for {datatype}.")
    return _as_array(name, datatype, values).reshape(shape)


def _flatten(name: str, data: list[Any]) -> tuple[list[Any], Shape]:
    """Return the values of nested lists, and the shape of the nesting; () for a flat list."""
    nesting: Shape = ()
    while data and {*map(type, data)} == {list} and len(nesting) < MAX_DIMENSIONS:
        lengths = {*map(len, data)}
        if len(lengths) > 1:
            refuse(f"{name}: nested lists of data must have equal lengths.")
        nesting = (*(nesting or (len(data),)), lengths.pop())
        data = list(chain.from_iterable(data))
    return data, nesting


def _as_array(name: str, datatype: str, values: list[Any]) -> npt.NDArray[Any]:
    if datatype == "BYTES":
        return np.array([_from_base64(name, text) for text in values], object)
    if datatype == "UINT8":
        if not 0 <= min(values) <= max(values) <= 255:
            refuse(f"{name}: each value of data must be from 0 to 255 for UINT8.")
        return np.array(values, np.uint8)
    try:
        return np.array(values, np.float64).astype(np.float32)
    except OverflowError:
        refuse(f"{name}: a value of data is out of range for FP32.")


def _from_base64(name: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        refuse(f"{name}: each value of data must be bytes in base64 (RFC 4648), without line breaks.")


def from_bytes(
    name: str, datatype: str, shape: Shape, size: object, binary: bytes
) -> tuple[npt.NDArray[Any], bytes]:
    """Return an input that is the first `size` bytes of the binary data, and the data after it."""
    if type(size) is not int or not 0 <= size <= len(binary):
        refuse(f"{name}: binary_data_size is {size!r:.20}, but {len(binary)} bytes of binary data are left.")
    taken, rest = binary[:size], binary[size:]
    if datatype == "BYTES":
        elements = _elements(name, taken)
        if len(elements) != prod(shape):
            refuse(f"{name}: shape {list(shape)} needs {prod(shape)} elements, not {len(elements)}.")
        values = np.empty(len(elements), object)
        values[:] = elements
        return values.reshape(shape), rest
    dtype = np.dtype(DATATYPES[datatype])
    needed = prod(shape) * dtype.itemsize
    if needed != size:
        refuse(f"{name}: shape {list(shape)} of {datatype} needs {needed} bytes, not {size}.")
    return np.frombuffer(taken, dtype).reshape(shape), rest


def _elements(name: str, data: bytes) -> list[bytes]:
    """Split binary data into the elements of BYTES."""
    elements, at = [], 0
    while at < len(data):
        start = at + LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "little")
        if start > len(data) or at > len(data):
            refuse(f"{name}: an element of BYTES is shorter than its length prefix of four bytes says.")
        elements.append(data[start:at])
    return elements


def as_bytes(tensor: Tensor) -> bytes:
    r"""Return a tensor as binary data; elements of BYTES are texts here.

    >>> as_bytes(Tensor("x", "BYTES", np.array(["a"], object)))
    b'\x01\x00\x00\x00a'
    """
    if tensor.datatype != "BYTES":
        return tensor.values.astype(DATATYPES[tensor.datatype]).tobytes()
    elements = [text.encode() for text in tensor.values.ravel()]
    return b"".join(len(element).to_bytes(LENGTH_BYTES, "little") + element for element in elements)
