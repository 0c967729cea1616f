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

from service.images import png

Grey = npt.NDArray[np.uint8]  # (height, width), from 0 for black to 255 for white
Floats = npt.NDArray[np.float32]  # the same, as real numbers
Mask = npt.NDArray[np.bool_]  # (height, width), true where there is ink
Edges = tuple[float, float, float, float]  # left, top, right, bottom
Levels = TypeVar("Levels", Grey, Floats)

# Pillow allocates each row on its own: without this limit, 16 million rows of one pixel would be allowed.
LONGEST_SIDE = 2**16
# The stream of a picture of up to this size, uncompressed, is always checked: that takes little time.
SMALL_BYTES = 2**20
# Pillow's mode of each colour type. Its raw mode of the scanlines is the same, with a suffix for the bit
# depth, and keeps the upper byte of a 16-bit sample.
MODES = {png.GREY: "L", png.COLOUR: "RGB", png.INDEXED: "P", png.GREY_ALPHA: "LA", png.COLOUR_ALPHA: "RGBA"}
SUFFIXES = {1: ";1", 2: ";2", 4: ";4", 8: "", 16: ";16B"}
# The mode and raw mode of those that Pillow has otherwise.
EXCEPTIONS = {(png.GREY, 1): ("1", "1"), (png.GREY_ALPHA, 16): ("RGBA", "LA;16B")}
# The raw modes that keep the lower byte of a 16-bit sample.
LOWER_BYTES = {png.GREY: "L;16", png.COLOUR: "RGB;16L"}


class InvalidImage(ValueError):  # noqa: N818 - the contract's own name
    """A picture that can't be read: `reason` is a fixed identifier, the message a sentence for the client.

    The reasons are not_png, too_many_pixels, broken_image and blank_image.
    """

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason apart from the message."""
        super().__init__(detail)
        self.reason = reason


def decode(file: bytes, max_pixels: int) -> Grey:
    """Decode a PNG of any colour type to grey levels, uint8 (height, width).

    An animated PNG gives its still picture. Raises InvalidImage: not_png, too_many_pixels (before any pixel
    is decoded), broken_image.
    """
    if not file.startswith(png.SIGNATURE):
        raise InvalidImage("not_png", "The image is not a PNG: it does not start with the PNG signature.")
    try:
        header = png.read_header(file)
        _check_size(header, max_pixels)
        return np.asarray(_grey_image(png.read_chunks(file, header)))
    except InvalidImage:
        raise
    except (ValueError, zlib.error) as error:
        raise InvalidImage("broken_image", f"The PNG can't be read: {error}.") from error


def _check_size(header: png.Header, max_pixels: int) -> None:
    width, height = header.width, header.height
    if width * height > max_pixels or max(width, height) > LONGEST_SIDE:
        limits = f"at most {max_pixels} are allowed, and {LONGEST_SIDE} in a row or column"
        raise InvalidImage("too_many_pixels", f"The image has {width} × {height} pixels; {limits}.")


def _grey_image(chunks: png.Chunks) -> Image.Image:
    """Return the picture in mode L, its transparent pixels replaced by a backdrop."""
    colour_type = chunks.header.colour_type
    if chunks.transparency and colour_type in {png.GREY, png.COLOUR}:
        return _without_transparent_colour(chunks)
    image = _unpacked(chunks)
    if colour_type == png.INDEXED:
        return _looked_up(image, chunks)
    grey = image if image.mode == "L" else image.convert("L")
    if colour_type in {png.GREY, png.COLOUR}:
        return grey
    alpha = image.getchannel("A")
    del image  # four bytes a pixel, and no longer needed
    return _over_backdrop(grey, alpha)


def _unpacked(chunks: png.Chunks, raw_mode: str = "") -> Image.Image:
    """Let Pillow inflate and unfilter the scanlines, in a raw mode other than the usual one if it is given.

    If they end early, Pillow reports no error, but leaves the missing rows black. So a large picture's stream
    is checked only if the row that is written last is black.
    """
    width, height, bit_depth, colour_type, interlaced = header = chunks.header
    usual = MODES[colour_type], MODES[colour_type] + SUFFIXES[bit_depth]
    mode, usual_raw_mode = EXCEPTIONS.get((colour_type, bit_depth), usual)
    decoder = (raw_mode or usual_raw_mode, interlaced)
    image = Image.frombytes(mode, (width, height), chunks.stream(), "zip", decoder)
    # Interlacing writes rows with an odd index (from 0) in its last pass.
    last = height - 1 - (interlaced and height % 2)
    is_small = header.inflated_bytes() <= SMALL_BYTES
    if is_small or not image.crop((0, last, width, last + 1)).getbbox(alpha_only=False):
        chunks.check_stream()
    return image


def _looked_up(image: Image.Image, chunks: png.Chunks) -> Image.Image:
    """Replace each index (mode P) by the grey level of its colour in the palette."""
    size, rest = divmod(len(chunks.palette), 3)
    if rest or not 0 < size <= 256 or len(chunks.transparency) > size:
        raise ValueError(
            "its palette must have 1 to 256 colours of 3 bytes, and no more opacities than colours"
        )
    if any(image.histogram()[size:]):
        raise ValueError("a pixel has a colour that is not in the palette")
    image.putpalette(chunks.palette)
    grey, opacities = image.convert("L"), chunks.transparency.ljust(256, b"\xff")
    return _over_backdrop(grey, image.point([*opacities], "L")) if chunks.transparency else grey


def _without_transparent_colour(chunks: png.Chunks) -> Image.Image:
    """Decode a grey or colour picture in which one colour is transparent.

    Samples of 16 bits are compared in full, although a picture in Pillow holds one byte of each.
    """
    header, transparent = chunks.header, chunks.transparent_colour()
    alpha = Image.new("L", (header.width, header.height))
    if header.bit_depth == 16:
        lower = [sample & 255 for sample in transparent]
        _mark_opaque(alpha, _unpacked(chunks, LOWER_BYTES[header.colour_type]), lower)
        transparent = [sample >> 8 for sample in transparent]
    image = _unpacked(chunks)
    _mark_opaque(alpha, image, transparent)
    grey = image.convert("L")
    del image
    return _over_backdrop(grey, alpha)


def _mark_opaque(alpha: Image.Image, image: Image.Image, transparent: Sequence[int]) -> None:
    """Set alpha to 255 where any sample of a pixel differs from the transparent colour's."""
    for band, level in enumerate(transparent):
        differs = [255 * (other != level) for other in range(256)]
        alpha.paste(255, mask=image.getchannel(band).point(differs, "L"))


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


def resized(levels: Levels, size: tuple[int, int], box: Edges | None = None) -> Levels:
    """Interpolate what lies in a box (by default all) to a size (width, height).

    A larger picture is interpolated bilinearly; in a smaller one, each pixel is a mean of all the pixels that
    it covers, with triangular weights.
    """
    return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR, box))
