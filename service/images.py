"""All that needs Pillow: from an uploaded PNG to grey levels and back, and from one size to another.

    decode       bytes → grey uint8 (height, width); transparency is laid over what lets the ink show
    encode       grey uint8 (height, width) → the bytes of a PNG
    reduced      each pixel the mean of a block of whole pixels
    resized      to any size, larger or smaller

Only Pillow's PNG reader is ever used, and only after the header was found to be within the limits.
"""

import io
import math
import struct
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

Grey = npt.NDArray[np.uint8]
Levels = TypeVar("Levels", npt.NDArray[np.uint8], npt.NDArray[np.float32])

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">8s4x4sIIB")  # signature, length, "IHDR", width, height, bit depth


class InvalidImage(ValueError):  # noqa: N818 - the contract's own name
    """An image that can't be read; `reason` is one of service.problems.REASONS."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason for the status and the metrics."""
        super().__init__(detail)
        self.reason = reason


def decode(png: bytes, max_pixels: int) -> Grey:
    """Read a PNG of any mode as grey levels uint8 (height, width).

    Raises InvalidImage: not_png, too_many_pixels (from the header alone), broken_image.
    """
    depth = _check_header(png, max_pixels)
    try:
        image = PngImageFile(io.BytesIO(png))
        image.load()
        return _grey(image, depth)
    except Exception as error:
        raise InvalidImage("broken_image", f"The PNG can't be read: {error}") from error


def _check_header(png: bytes, max_pixels: int) -> int:
    """Hold size to the limit before anything is decoded, and return the bit depth."""
    if not png.startswith(SIGNATURE):
        raise InvalidImage("not_png", "The image is not a PNG: it does not start with the PNG signature.")
    if len(png) < HEADER.size:
        raise InvalidImage("broken_image", "The PNG ends before its header does.")
    _, kind, width, height, depth = HEADER.unpack_from(png)
    if kind != b"IHDR" or not width or not height:
        raise InvalidImage("broken_image", "The PNG has no valid header.")
    if width * height > max_pixels:
        detail = f"The image has {width} × {height} pixels; at most {max_pixels} are read."
        raise InvalidImage("too_many_pixels", detail)
    return int(depth)


def _grey(image: Image.Image, depth: int) -> Grey:
    if image.mode == "L" and not image.has_transparency_data:
        return np.asarray(image)
    if image.mode == "I;16":
        levels = np.asarray(image).astype(np.uint16)
        grey = (levels >> 8).astype(np.uint8)
        if "transparency" not in image.info:
            return grey
        return _over_backdrop(grey, np.where(levels == image.info["transparency"], 0, 255))
    if not image.has_transparency_data:
        return np.asarray(image.convert("L"))
    if image.mode in {"1", "L", "RGB"}:
        image.info["transparency"] = _as_levels(image.info["transparency"], depth)
        image = image.convert("L") if image.mode == "1" else image
    grey, alpha = np.moveaxis(np.asarray(image.convert("RGBA").convert("LA")), -1, 0)
    return _over_backdrop(grey, alpha)


def _as_levels(transparency: Any, depth: int) -> Any:  # noqa: ANN401 - a level or three, as Pillow has it
    """Bring the transparent colour to 8 bits, as Pillow has brought the pixels."""
    if isinstance(transparency, tuple):
        return tuple(_as_levels(level, depth) for level in transparency)
    # Pillow has already turned the one bit of mode "1" into 0 or 255.
    return transparency if depth in {1, 8} else transparency * 255 // (2**depth - 1)


def _over_backdrop(grey: Grey, alpha: npt.NDArray[Any]) -> Grey:
    """Lay what is opaque over a backdrop that lets its ink show.

    Mostly transparent: the opaque part is the ink itself, so the backdrop is its opposite. Mostly
    opaque: the opaque part has a background of its own, and the backdrop continues it.
    """
    opaque = grey[alpha > 127]
    if not opaque.size:
        return np.zeros_like(grey)
    level = float(np.median(opaque))
    if opaque.size * 2 <= grey.size:
        level = 255.0 if level < 128 else 0.0
    share = alpha / 255
    return np.rint(grey * share + level * (1 - share)).astype(np.uint8)


def encode(grey: Grey) -> bytes:
    """Write grey levels as a PNG."""
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    return file.getvalue()


def reduced(grey: Levels, factor: int) -> Levels:
    """Return the means of blocks of factor × factor pixels; blocks at the right and bottom may be cut."""
    return grey if factor == 1 else np.asarray(Image.fromarray(grey).reduce(factor))


def reduced_to(grey: Levels, longest: int) -> Levels:
    """Reduce by the least whole factor that brings the longest side to at most that."""
    return reduced(grey, math.ceil(max(grey.shape) / longest))


def resized(
    levels: Levels, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Levels:
    """Bring what is in a box (left, top, right, bottom; all) to a size (width, height), bilinear.

    Where it becomes smaller, every pixel counts, with the weights of a triangle.
    """
    return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR, box))
