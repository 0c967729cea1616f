"""From an uploaded PNG to the 28 × 28 image that the network knows how to read.

    decode      bytes → grey uint8 (height, width); transparency is laid over what lets the ink show
    normalise   grey → uint8 (28, 28) and a receipt of what was done:
                ink on black, cropped to the ink, longest side 20 pixels, centre of mass in the centre

That is how MNIST itself was made (LeCun, Cortes, Burges, 1998), so its images pass unchanged: their
ink's longest side is 20 pixels already (the scale is 1) and their centre of mass needs no shift.
Only Pillow's PNG reader is ever used, and only after the header was found to be within the limits.
"""

import io
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Grey = npt.NDArray[np.uint8]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">8s4x4sIIB")  # signature, length, "IHDR", width, height, bit depth
SIDE = 28
BOX = 20
CENTRE = 14
# MNIST has a few digits of 19 pixels; one grey level of 255 must be seen for there to be ink at all.
BOX_TOLERANCE = 1
LEAST_CONTRAST = 24
# Ink fainter than this is brought to full strength: thin strokes fade when they are made small.
FAINT = 192
# Pixels this many times the border's own unevenness above the background count as ink.
NOISE_FACTOR = 6
LARGEST_SIDE = 560


class InvalidImage(ValueError):  # noqa: N818 - the contract's own name
    """An image that can't be read; `reason` is one of service.problems.REASONS."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason for the status and the metrics."""
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Receipt:
    """What was done to an image: crop in its own pixels, scale and shift into the 28 × 28."""

    inverted: bool
    crop: tuple[int, int, int, int]  # left, top, right, bottom
    scale: float
    shift: tuple[int, int]  # where the crop's left top corner went: column, row
    ink_fraction: float


def decode(png: bytes, max_pixels: int) -> Grey:
    """Read a PNG of any mode as grey levels uint8 (height, width).

    Raises InvalidImage: not_png, too_many_pixels (from the header alone), broken_image.
    """
    depth = _check_header(png, max_pixels)
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
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


def normalise(grey: Grey) -> tuple[Grey, Receipt]:
    """Bring a grey image to MNIST's form and say what was done.

    Raises InvalidImage: blank_image, when there is nothing to read.

    >>> image = np.full((100, 50), 255, np.uint8); image[20:60, 20:30] = 0
    >>> normalise(image)[1]
    Receipt(inverted=True, crop=(20, 20, 30, 60), scale=0.5, shift=(12, 4), ink_fraction=0.127...)
    """
    reduced, factor = _reduce(grey)
    ink, inverted = _ink(reduced)
    top, bottom = _extent(ink.max(axis=1))
    left, right = _extent(ink.max(axis=0))
    digit, scale = _scale(ink[top:bottom, left:right])
    row, column = (_offset(digit.sum(axis=1)), _offset(digit.sum(axis=0)))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[row : row + digit.shape[0], column : column + digit.shape[1]] = digit
    height, width = grey.shape
    crop = (left * factor, top * factor, min(right * factor, width), min(bottom * factor, height))
    ink_fraction = float((image > 0).mean())
    return image, Receipt(inverted, crop, scale / factor, (column, row), ink_fraction)


def _reduce(grey: Grey) -> tuple[Grey, int]:
    """Average whole blocks of a large image: quicker, and less noise."""
    factor = math.ceil(max(grey.shape) / LARGEST_SIDE)
    if factor == 1:
        return grey, 1
    return np.asarray(Image.fromarray(grey).reduce(factor)), factor


def _ink(grey: Grey) -> tuple[Grey, bool]:
    """Return how far each pixel differs from the background, and whether the ink was the darker."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]).astype(np.int16)
    background = int(np.median(border))
    unevenness = int(np.median(np.abs(border - background)))
    signed = grey.astype(np.int16) - background
    inverted = bool(signed.sum() < 0)
    ink = np.maximum(-signed if inverted else signed, 0)
    ink[ink <= NOISE_FACTOR * unevenness] = 0
    if ink.max() < LEAST_CONTRAST:
        raise InvalidImage("blank_image", "There is nothing to read: the image has no ink on a background.")
    return ink.astype(np.uint8), inverted


def _extent(levels: Grey) -> tuple[int, int]:
    """Return the first position with ink, and the one after the last."""
    with_ink = np.flatnonzero(levels)
    return int(with_ink[0]), int(with_ink[-1]) + 1


def _scale(digit: Grey) -> tuple[Grey, float]:
    """Make the longest side 20 pixels, and ink that is faint full."""
    longest = max(digit.shape)
    scale = 1.0 if BOX - BOX_TOLERANCE <= longest <= BOX else BOX / longest
    if scale != 1:
        height, width = (max(1, round(side * scale)) for side in digit.shape)
        digit = np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BILINEAR))
    strongest = int(digit.max())
    if 0 < strongest < FAINT:
        digit = (digit * np.float32(255 / strongest)).astype(np.uint8)
    return digit, scale


def _offset(ink: npt.NDArray[np.unsignedinteger]) -> int:
    """Return where an axis must start for its centre of mass to lie at the centre, within the frame."""
    centre_of_mass = float(ink @ np.arange(len(ink))) / float(ink.sum())
    return min(max(math.ceil(CENTRE - centre_of_mass - 0.5), 0), SIDE - len(ink))
