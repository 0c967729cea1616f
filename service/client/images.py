"""From what a program has to what the service reads: PNGs, alone or many in a form."""

import os
import secrets
import struct
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from service.client.responses import Problem

# What goes into a form: a fraction of what the service reads at once, and enough to be quick.
BATCH_IMAGES = 64
BATCH_BYTES = 4 * 2**20


class Saves(Protocol):
    """An image of Pillow's."""

    def save(self, fp: Any, format: str | None = None) -> None:  # noqa: A002, ANN401 - Pillow's own
        """Write the image to a file, in a format."""


class Pixels(Protocol):
    """A NumPy array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """How many rows, and how many in each."""

    @property
    def dtype(self) -> Any:  # noqa: ANN401 - NumPy need not be there
        """What kind of numbers."""

    def tobytes(self) -> bytes:
        """Return them, row by row."""


Image = str | os.PathLike[str] | bytes | Saves | Pixels


def as_png(image: Image) -> bytes:
    """Return the bytes to send for an image.

    Raises OSError for a file that can't be read, ValueError for an array that is not uint8 (height, width),
    TypeError for what is no image.
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
    wanted = "a path, bytes, an image of Pillow's or a NumPy array"
    raise TypeError(f"an image is {wanted}, not {type(image).__name__}")


def _encode(array: Pixels) -> bytes:
    """Write grey levels as a PNG (ISO/IEC 15948): each row behind a 0, which says that it is not filtered."""
    if str(array.dtype) != "uint8" or len(array.shape) != 2 or 0 in array.shape:
        raise ValueError(
            f"an array must be uint8 (height, width), not {array.dtype} {array.shape}; "
            "write levels from 0 to 1 as (255 * array).astype('uint8'), colours as Image.fromarray(array)"
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
    """Yield as many PNGs at a time as go into a form; a Problem where an image can't be sent."""
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
    """Return a body of multipart/form-data (RFC 7578), and its content type."""
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="image.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    files = b"".join(head + png + b"\r\n" for png in pngs)
    return files + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
