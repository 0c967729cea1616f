"""All that needs Pillow: from an uploaded PNG to grey levels and back, and from one size to another.

    decode       bytes → grey uint8 (height, width); transparency is laid over what lets the ink show
    encode       grey uint8 (height, width) → the bytes of a PNG
    reduced      each pixel the mean of a block of whole pixels
    resized      to any size, larger or smaller

Pillow is given no file. png.py says what is in one; Pillow inflates and unfilters the rows of a picture whose
size and form are known, within the limits. None of its other decoders is within reach.
"""

import io
import math
import zlib
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from service.images.png import (
    COLOUR,
    COLOUR_ALPHA,
    GREY,
    GREY_ALPHA,
    INDEXED,
    SIGNATURE,
    Png,
    read,
    read_header,
)

Grey = npt.NDArray[np.uint8]
Levels = TypeVar("Levels", npt.NDArray[np.uint8], npt.NDArray[np.float32])

# Each row takes memory of its own: 16 million rows of a pixel are a picture of no digit.
LONGEST_SIDE = 2**16
# Pictures up to this are measured before they are unpacked; larger ones only if they seem to end early.
SMALL_BYTES = 2**20
# By kind of colour and bits of a sample: Pillow's mode for the picture, and its word for the rows' layout.
LAYOUTS = {
    **{(GREY, depth): ("P", f"P;{depth}") for depth in (1, 2, 4)},
    (GREY, 8): ("L", "L"),
    (GREY, 16): ("L", "L;16B"),
    (COLOUR, 8): ("RGB", "RGB"),
    (COLOUR, 16): ("RGB", "RGB;16B"),
    **{(INDEXED, depth): ("P", f"P;{depth}") for depth in (1, 2, 4)},
    (INDEXED, 8): ("P", "P"),
    (GREY_ALPHA, 8): ("LA", "LA"),
    (GREY_ALPHA, 16): ("RGBA", "LA;16B"),
    (COLOUR_ALPHA, 8): ("RGBA", "RGBA"),
    (COLOUR_ALPHA, 16): ("RGBA", "RGBA;16B"),
}
# The same rows, but of each sample of 16 bits the lower eight.
LOWER = {GREY: ("L", "L;16"), COLOUR: ("RGB", "RGB;16L")}


class InvalidImage(ValueError):  # noqa: N818 - the contract's own name
    """An image that can't be read; `reason` is one of service.problems.REASONS."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason for the status and the metrics."""
        super().__init__(detail)
        self.reason = reason


def decode(png: bytes, max_pixels: int) -> Grey:
    """Read a PNG of any kind as grey levels uint8 (height, width); of an animation, its still picture.

    Raises InvalidImage: not_png, too_many_pixels (from the header alone), broken_image.
    """
    if not png.startswith(SIGNATURE):
        raise InvalidImage("not_png", "The image is not a PNG: it does not start with the PNG signature.")
    try:
        header = read_header(png)
        _check_size(header.width, header.height, max_pixels)
        return np.asarray(_grey(read(png, header)))
    except InvalidImage:
        raise
    except (ValueError, zlib.error) as error:
        raise InvalidImage("broken_image", f"The PNG can't be read: {error}.") from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels or max(width, height) > LONGEST_SIDE:
        limits = f"at most {max_pixels} are read, and {LONGEST_SIDE} in a row or column"
        raise InvalidImage("too_many_pixels", f"The image has {width} × {height} pixels; {limits}.")


def _grey(png: Png) -> Image.Image:
    """Return the grey picture (mode L), its ink showing."""
    colour, depth = png.header.colour, png.header.depth
    if png.transparency and colour in LOWER and depth >= 8:
        return _without_clear_colour(png)
    image = _unpacked(png, LAYOUTS[colour, depth])
    if image.mode == "P":
        return _looked_up(image, png)
    if colour in {GREY, COLOUR}:
        return image if image.mode == "L" else image.convert("L")
    grey, alpha = image.convert("L"), image.getchannel("A")
    del image  # four bytes a pixel, and no longer needed
    return _over_backdrop(grey, alpha)


def _unpacked(png: Png, layout: tuple[str, str]) -> Image.Image:
    """Inflate and unfilter the rows; layout is the picture's mode and Pillow's word for the rows'.

    Pillow leaves black what the rows don't fill, and says nothing if they end with a whole one.
    """
    (mode, rows), header = layout, png.header
    is_small = header.all_bytes() <= SMALL_BYTES
    if is_small:
        png.measure()
    image = Image.frombytes(mode, (header.width, header.height), png.rows(), "zip", (rows, header.interlaced))
    # The last row is written last; interlaced, the last odd one (from 0), by the last pass alone.
    last = header.height - 1 - (header.interlaced and header.height % 2)
    if not is_small and not any(image.crop((0, last, header.width, last + 1)).tobytes()):
        png.measure()
    return image


def _looked_up(image: Image.Image, png: Png) -> Image.Image:
    """Turn places in a table into what is there: a palette's colours, or the grey levels of a few bits."""
    levels, alpha = _palette(png) if png.header.colour == INDEXED else _few_levels(png)
    if any(image.histogram()[len(levels) :]):
        raise ValueError("it has a colour that is not in its palette")
    rest = [0] * (256 - len(levels))
    grey = image.point(levels + rest, "L")
    return _over_backdrop(grey, image.point(alpha + rest, "L")) if png.transparency else grey


def _palette(png: Png) -> tuple[list[int], list[int]]:
    """Return the grey level and the opacity of each of a palette's colours."""
    size, odd = divmod(len(png.palette), 3)
    if odd or not 0 < size <= 256 or len(png.transparency) > size:
        raise ValueError("its palette is missing, or of a size that none has")
    levels = Image.frombytes("RGB", (size, 1), png.palette).convert("L").tobytes()
    return [*levels], [*png.transparency.ljust(size, b"\xff")]


def _few_levels(png: Png) -> tuple[list[int], list[int]]:
    """Return what each grey level of 1, 2 or 4 bits is in 8, and its opacity."""
    most = 2**png.header.depth - 1
    clear = png.clear_colour() if png.transparency else (-1,)
    return [level * 255 // most for level in range(most + 1)], _all_but(clear[0])[: most + 1]


def _without_clear_colour(png: Png) -> Image.Image:
    """Read a picture of which one colour is transparent; of 16 bits, all 16 must be that colour's."""
    header, clear = png.header, png.clear_colour()
    opaque = Image.new("L", (header.width, header.height))
    if header.depth == 16:
        _add_other(opaque, _unpacked(png, LOWER[header.colour]), [sample & 255 for sample in clear])
        clear = tuple(sample >> 8 for sample in clear)
    image = _unpacked(png, LAYOUTS[header.colour, header.depth])
    _add_other(opaque, image, clear)
    grey = image.convert("L")
    del image
    return _over_backdrop(grey, opaque)


def _add_other(opaque: Image.Image, image: Image.Image, colour: Sequence[int]) -> None:
    """Make opaque 255 wherever a picture has another colour."""
    for band, level in enumerate(colour):
        opaque.paste(255, mask=image.getchannel(band).point(_all_but(level)))


def _all_but(level: int) -> list[int]:
    return [255 * (other != level) for other in range(256)]


def _over_backdrop(grey: Image.Image, alpha: Image.Image) -> Image.Image:
    """Lay what is opaque over a backdrop that lets its ink show; both are of mode L.

    Mostly transparent: the opaque part is the ink itself, so the backdrop is its opposite. Mostly
    opaque: the opaque part has a background of its own, and the backdrop continues it.
    """
    if alpha.getextrema()[0] == 255:
        return grey
    counts = grey.histogram(alpha.point([0] * 128 + [255] * 128))
    opaque, pixels = sum(counts), grey.width * grey.height
    if not opaque:
        return Image.new("L", grey.size)
    level = next(level for level, below in enumerate(accumulate(counts)) if 2 * below >= opaque)
    if opaque * 2 <= pixels:
        level = 255 if level < 128 else 0
    grey.paste(level, mask=ImageChops.invert(alpha))
    return grey


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
