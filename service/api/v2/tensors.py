"""Tensors of the Open Inference Protocol: from numbers or bytes to arrays, and back to bytes.

JSON      a list as long as the shape says, flat or nested alike; BYTES in base64, for JSON has no bytes
bytes     little-endian, row after row; of BYTES, each element behind its length in four bytes
"""

from base64 import b64decode
from itertools import chain
from math import prod
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from service.problems import Problem

# The protocol's datatypes that are read or written here, and NumPy's names for them.
DATATYPES = {"UINT8": "u1", "FP32": "<f4", "INT64": "<i8", "BOOL": "?", "BYTES": "O"}
# What JSON has for a value of each datatype that is read; JSON's true is no number here.
DATATYPES_READ: dict[str, frozenset[type]] = {
    "UINT8": frozenset({int}),
    "FP32": frozenset({int, float}),
    "BYTES": frozenset({str}),
}
MOST_DIMENSIONS = 4
LENGTH_BYTES = 4
Shape = tuple[int, ...]


class Tensor(NamedTuple):
    """A named array."""

    name: str
    datatype: str
    values: npt.NDArray[Any]


def refuse(detail: str) -> NoReturn:
    """Refuse a request; the sentence says what was wrong and what would be right."""
    raise Problem("bad_inference", detail)


def read_shape(name: str, shape: object) -> Shape:
    """Read the shape of the tensor of that name; raises Problem for what is none."""
    if not isinstance(shape, list) or not 1 <= len(shape) <= MOST_DIMENSIONS:
        refuse(f"{name}: shape must be a list of 1 to {MOST_DIMENSIONS} numbers.")
    if not all(type(side) is int and 0 < side < 2**31 for side in shape):
        refuse(f"{name}: each number of a shape must be whole, from 1 to {2**31 - 1}.")
    return tuple(shape)


def from_json(name: str, datatype: str, shape: Shape, data: object) -> npt.NDArray[Any]:
    """Return JSON's data in that shape; raises Problem when it is not as shape and datatype say.

    >>> from_json("x", "FP32", (2, 1), [[1], [0.5]]).ravel()
    array([1. , 0.5], dtype=float32)
    """
    if not isinstance(data, list):
        refuse(f"{name}: data must be a list.")
    depth: Shape = ()
    while data and {*map(type, data)} == {list} and len(depth) < MOST_DIMENSIONS:
        lengths = {*map(len, data)}
        depth = (*(depth or (len(data),)), lengths.pop())
        data = list(chain.from_iterable(data))
        if lengths:
            refuse(f"{name}: lists of data beside each other must be of one length.")
    if len(data) != prod(shape) or depth not in {(), shape}:
        found = f"{len(data)} values" + (f" nested as {list(depth)}" if depth else "")
        refuse(f"{name}: shape {list(shape)} needs {prod(shape)} values, flat or nested alike, not {found}.")
    if not {*map(type, data)} <= DATATYPES_READ[datatype]:
        kinds = " or ".join(sorted(kind.__name__ for kind in DATATYPES_READ[datatype]))
        refuse(f"{name}: each value of data must be of type {kinds} for {datatype}.")
    return _as_array(name, datatype, data).reshape(shape)


def _as_array(name: str, datatype: str, data: list[Any]) -> npt.NDArray[Any]:
    if datatype == "BYTES":
        return np.array([_unpacked(name, text) for text in data], object)
    if datatype == "UINT8":
        if not 0 <= min(data) <= max(data) <= 255:
            refuse(f"{name}: each value of data must be from 0 to 255 for UINT8.")
        return np.array(data, np.uint8)
    try:
        return np.array(data, np.float64).astype(np.float32)
    except OverflowError:
        refuse(f"{name}: a value of data is beyond all that FP32 can hold.")


def _unpacked(name: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        refuse(f"{name}: each value of data must be bytes in base64 (RFC 4648), without line breaks.")


def from_bytes(
    name: str, datatype: str, shape: Shape, size: object, rest: bytes
) -> tuple[npt.NDArray[Any], bytes]:
    """Take an input's bytes from the rest, and return it with what remains."""
    if type(size) is not int or not 0 <= size <= len(rest):
        refuse(f"{name}: {size!r:.20} bytes can't be taken from the {len(rest)} that are left for tensors.")
    taken, rest = rest[:size], rest[size:]
    if datatype == "BYTES":
        values = np.empty(prod(shape) if prod(shape) * LENGTH_BYTES <= size else 0, object)
        elements = _elements(name, taken)
        if len(elements) != prod(shape):
            refuse(f"{name}: shape {list(shape)} needs {prod(shape)} elements, not {len(elements)}.")
        values[:] = elements
        return values.reshape(shape), rest
    kind = np.dtype(DATATYPES[datatype])
    if prod(shape) * kind.itemsize != size:
        needed = prod(shape) * kind.itemsize
        refuse(f"{name}: shape {list(shape)} of {datatype} needs {needed} bytes, not {size}.")
    return np.frombuffer(taken, kind).reshape(shape), rest


def _elements(name: str, taken: bytes) -> list[bytes]:
    """Split bytes into elements, each behind its length in four bytes."""
    elements, at = [], 0
    while at < len(taken):
        start = at + LENGTH_BYTES
        at = start + int.from_bytes(taken[at:start], "little")
        if start > len(taken) or at > len(taken):
            refuse(f"{name}: an element of BYTES ends before its length, in four bytes before it, says.")
        elements.append(taken[start:at])
    return elements


def as_bytes(tensor: Tensor) -> bytes:
    r"""Return a tensor's bytes; those of datatype BYTES are texts here.

    >>> as_bytes(Tensor("x", "BYTES", np.array(["a"], object)))
    b'\x01\x00\x00\x00a'
    """
    if tensor.datatype != "BYTES":
        return tensor.values.astype(DATATYPES[tensor.datatype]).tobytes()
    elements = [text.encode() for text in tensor.values.ravel()]
    return b"".join(len(element).to_bytes(LENGTH_BYTES, "little") + element for element in elements)
