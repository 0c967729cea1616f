"""Encode images as PNGs, and PNGs as forms."""

import os
import secrets
import struct
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from service.client.responses import Problem

# The most in one form: well below the service's limits, and enough to be fast.
BATCH_IMAGES = 64
BATCH_BYTES = 4 * 2**20


class Saves(Protocol):
    """A Pillow image."""

    def save(self, fp: Any, format: str | None = None) -> None:  # noqa: A002, ANN401 - Pillow's own
        """Write the image to a file in this format."""


class Pixels(Protocol):
    """A NumPy array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of rows and columns."""

    @property
    def dtype(self) -> Any:  # noqa: ANN401 - NumPy may not be installed
        """The type of the numbers."""

    def tobytes(self) -> bytes:
        """Return the numbers row by row."""


Image = str | os.PathLike[str] | bytes | Saves | Pixels


def as_png(image: Image) -> bytes:
    """Return an image as a PNG; files and bytes are returned unchanged.

    Raises OSError for a file that can't be read, ValueError for an array that is not uint8 (height, width),
    TypeError for any other object.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | os.PathLike):
        return Path(image).read_bytes()
    if hasattr(image, "save"):
        file = BytesIO()
        image.save(file, "PNG")
        return file.getvalue()
    if hasattr(image, "tobytes") and hasattr(image, "shape") and hasattr(image, "dtype"):
        return _encode(image)
    expected = "a path, bytes, a Pillow image or a NumPy array"
    raise TypeError(f"an image must be {expected}, not {type(image).__name__}")


def _encode(array: Pixels) -> bytes:
    """Encode grey levels as a PNG (ISO/IEC 15948); the 0 before each row means that it is not filtered."""
    if str(array.dtype) != "uint8" or len(array.shape) != 2 or 0 in array.shape:
        raise ValueError(
            f"an array must be uint8 (height, width), not {array.dtype} {array.shape}; "
            "convert levels from 0 to 1 by (255 * array).astype('uint8'), colours by Image.fromarray(array)"
        )
    height, width = array.shape
    levels = array.tobytes()
    rows = b"".join(b"\0" + levels[start : start + width] for start in range(0, height * width, width))
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )


def batches(images: Iterable[Image]) -> Iterator[list[bytes | Problem]]:
    """Group the images into forms, as PNGs; an image that can't be sent becomes a Problem."""
    batch: list[bytes | Problem] = []
    room = BATCH_BYTES
    for image in images:
        entry = _sendable(image)
        size = len(entry) if isinstance(entry, bytes) else 0
        if batch and (len(batch) == BATCH_IMAGES or size > room):
            yield batch
            batch, room = [], BATCH_BYTES
        batch.append(entry)
        room -= size
    if batch:
        yield batch


def _sendable(image: Image) -> bytes | Problem:
    try:
        return as_png(image)
    except (OSError, ValueError) as error:
        return Problem("urn:digits:problem:not-sent", "Not sent", None, str(error), "", "")


def as_form(pngs: list[bytes]) -> tuple[bytes, str]:
    """Encode PNGs as multipart/form-data (RFC 7578); return the body and its Content-Type."""
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="image.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    files = b"".join(head + png + b"\r\n" for png in pngs)
    return files + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
