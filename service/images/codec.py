"""Decode, encode and resize pictures: the only module that uses Pillow.

    decode     bytes of a PNG → grey levels, uint8 (height, width)
    encode     grey levels → bytes of a PNG
    reduced    a smaller picture, by the mean of blocks of pixels
    resized    a picture of any size, by bilinear interpolation

Decoding takes four steps: png.py checks the file and finds its compressed pixels; Pillow inflates and
unfilters them; palettes and colours become grey levels; transparent pixels get a backdrop on which the
strokes can be seen. Pillow never opens the file itself. So no decoder of another format can be reached,
and no memory is taken before the size is known and allowed.
"""

import io
import zlib
from collections.abc import Sequence
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
    Header,
    Png,
    read_chunks,
    read_header,
)

Grey = npt.NDArray[np.uint8]  # (height, width), from 0 for black to 255 for white
Levels = TypeVar("Levels", npt.NDArray[np.uint8], npt.NDArray[np.float32])

# Pillow allocates each row on its own: without this limit, 16 million rows of one pixel would be allowed.
LONGEST_SIDE = 2**16
# The stream of a picture of up to this size, uncompressed, is always checked: that takes little time.
SMALL_BYTES = 2**20
# For each colour type and bit depth: Pillow's mode of the picture, and its raw mode of the scanlines.
MODES = {
    **{(colour_type, depth): ("P", f"P;{depth}") for colour_type in (GREY, INDEXED) for depth in (1, 2, 4)},
    (GREY, 8): ("L", "L"),
    (GREY, 16): ("L", "L;16B"),
    (COLOUR, 8): ("RGB", "RGB"),
    (COLOUR, 16): ("RGB", "RGB;16B"),
    (INDEXED, 8): ("P", "P"),
    (GREY_ALPHA, 8): ("LA", "LA"),
    (GREY_ALPHA, 16): ("RGBA", "LA;16B"),
    (COLOUR_ALPHA, 8): ("RGBA", "RGBA"),
    (COLOUR_ALPHA, 16): ("RGBA", "RGBA;16B"),
}
# The raw modes above keep the upper byte of a 16-bit sample, these the lower.
LOWER_BYTES = {GREY: ("L", "L;16"), COLOUR: ("RGB", "RGB;16L")}


class InvalidImage(ValueError):  # noqa: N818 - the contract's own name
    """A picture that can't be read: `reason` is a fixed identifier, the message a sentence for the client.

    The reasons are not_png, too_many_pixels, broken_image and blank_image.
    """

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason apart from the message."""
        super().__init__(detail)
        self.reason = reason


def decode(png: bytes, max_pixels: int) -> Grey:
    """Decode a PNG of any colour type to grey levels, uint8 (height, width).

    An animated PNG gives its still picture. Raises InvalidImage: not_png, too_many_pixels (before any pixel
    is decoded), broken_image.
    """
    if not png.startswith(SIGNATURE):
        raise InvalidImage("not_png", "The image is not a PNG: it does not start with the PNG signature.")
    try:
        header = read_header(png)
        _check_size(header, max_pixels)
        return np.asarray(_grey_image(read_chunks(png, header)))
    except InvalidImage:
        raise
    except (ValueError, zlib.error) as error:
        raise InvalidImage("broken_image", f"The PNG can't be read: {error}.") from error


def _check_size(header: Header, max_pixels: int) -> None:
    width, height = header.width, header.height
    if width * height > max_pixels or max(width, height) > LONGEST_SIDE:
        limits = f"at most {max_pixels} are allowed, and {LONGEST_SIDE} in a row or column"
        raise InvalidImage("too_many_pixels", f"The image has {width} × {height} pixels; {limits}.")


def _grey_image(png: Png) -> Image.Image:
    """Return the picture in mode L, its transparent pixels replaced by a backdrop."""
    colour_type, bit_depth = png.header.colour_type, png.header.bit_depth
    if png.transparency and colour_type in LOWER_BYTES and bit_depth >= 8:
        return _without_transparent_colour(png)
    image = _unpacked(png, *MODES[colour_type, bit_depth])
    if image.mode == "P":
        return _looked_up(image, png)
    if colour_type in {GREY, COLOUR}:
        return image if image.mode == "L" else image.convert("L")
    grey, alpha = image.convert("L"), image.getchannel("A")
    del image  # four bytes a pixel, and no longer needed
    return _over_backdrop(grey, alpha)


def _unpacked(png: Png, mode: str, raw_mode: str) -> Image.Image:
    """Let Pillow inflate and unfilter the scanlines.

    If they end early, Pillow reports no error, but leaves the missing rows black. So a large picture's stream
    is checked only if the row that is written last is black.
    """
    width, height, interlaced = png.header.width, png.header.height, png.header.interlaced
    image = Image.frombytes(mode, (width, height), png.stream(), "zip", (raw_mode, interlaced))
    # Interlacing writes rows with an odd index (from 0) in its last pass.
    last = height - 1 - (interlaced and height % 2)
    is_small = png.header.inflated_bytes() <= SMALL_BYTES
    if is_small or not image.crop((0, last, width, last + 1)).getbbox(alpha_only=False):
        png.check_stream()
    return image


def _looked_up(image: Image.Image, png: Png) -> Image.Image:
    """Replace each index (mode P) by its grey level, from the palette or from the levels of a few bits."""
    levels, opacities = _palette(png) if png.header.colour_type == INDEXED else _few_levels(png)
    if any(image.histogram()[len(levels) :]):
        raise ValueError("a pixel has a colour that is not in the palette")
    unused = [0] * (256 - len(levels))
    grey = image.point(levels + unused, "L")
    return _over_backdrop(grey, image.point(opacities + unused, "L")) if png.transparency else grey


def _palette(png: Png) -> tuple[list[int], list[int]]:
    """Return the grey level and the opacity of each colour of the palette."""
    size, rest = divmod(len(png.palette), 3)
    if rest or not 0 < size <= 256 or len(png.transparency) > size:
        raise ValueError(
            "its palette must have 1 to 256 colours of 3 bytes, and no more opacities than colours"
        )
    levels = Image.frombytes("RGB", (size, 1), png.palette).convert("L").tobytes()
    return [*levels], [*png.transparency.ljust(size, b"\xff")]


def _few_levels(png: Png) -> tuple[list[int], list[int]]:
    """Return each grey level of 1, 2 or 4 bits as a level of 8 bits, and its opacity."""
    white = 2**png.header.bit_depth - 1
    [transparent] = png.transparent_colour() if png.transparency else [-1]
    return [level * 255 // white for level in range(white + 1)], _all_but(transparent)[: white + 1]


def _without_transparent_colour(png: Png) -> Image.Image:
    """Decode a grey or colour picture in which one colour is transparent.

    Samples of 16 bits are compared in full, although a picture in Pillow holds one byte of each.
    """
    header, transparent = png.header, png.transparent_colour()
    alpha = Image.new("L", (header.width, header.height))
    if header.bit_depth == 16:
        lower_bytes = [sample & 255 for sample in transparent]
        _mark_opaque(alpha, _unpacked(png, *LOWER_BYTES[header.colour_type]), lower_bytes)
        transparent = [sample >> 8 for sample in transparent]
    image = _unpacked(png, *MODES[header.colour_type, header.bit_depth])
    _mark_opaque(alpha, image, transparent)
    grey = image.convert("L")
    del image
    return _over_backdrop(grey, alpha)


def _mark_opaque(alpha: Image.Image, image: Image.Image, transparent: Sequence[int]) -> None:
    """Set alpha to 255 where any sample of a pixel differs from the transparent colour's."""
    for band, level in enumerate(transparent):
        alpha.paste(255, mask=image.getchannel(band).point(_all_but(level)))


def _all_but(level: int) -> list[int]:
    """Return a lookup table that is 0 for one level and 255 for all others."""
    return [255 * (other != level) for other in range(256)]


def _over_backdrop(grey: Image.Image, alpha: Image.Image) -> Image.Image:
    """Composite a picture over a backdrop of one level that lets the strokes be seen; both are in mode L.

    If at most half of the pixels are opaque, these are the strokes: the backdrop is black for light strokes
    and white for dark ones. Otherwise the opaque pixels include the paper: the backdrop is their median.
    """
    if alpha.getextrema()[0] == 255:
        return grey
    counts = np.cumsum(grey.histogram(alpha.point([0] * 128 + [255] * 128)))
    opaque = int(counts[-1])
    if not opaque:
        return Image.new("L", grey.size)
    backdrop = int(np.searchsorted(counts, opaque / 2))
    if opaque * 2 <= grey.width * grey.height:
        backdrop = 255 if backdrop < 128 else 0
    grey.paste(backdrop, mask=ImageChops.invert(alpha))
    return grey


def encode(grey: Grey) -> bytes:
    """Encode grey levels, uint8 (height, width), as a PNG."""
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    return file.getvalue()


def reduced(levels: Levels, factor: int) -> Levels:
    """Replace each block of factor × factor pixels by its mean; the last blocks of an axis may be smaller."""
    return levels if factor == 1 else np.asarray(Image.fromarray(levels).reduce(factor))


def resized(
    levels: Levels, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Levels:
    """Interpolate what lies in a box (left, top, right, bottom; by default all) to a size (width, height).

    A larger picture is interpolated bilinearly; in a smaller one, each pixel is a mean of all the pixels that
    it covers, with triangular weights.
    """
    return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR, box))
