"""Any PNG is decoded to grey levels with visible ink; anything else is rejected with a reason."""

import io
import itertools
import struct
import zlib

import numpy as np
import numpy.typing as npt
import png as pypng
import pytest
from PIL import Image

from service.images.codec import InvalidImage, decode
from service.images.normalise import normalise

MANY_PIXELS = 2**24
Grey = npt.NDArray[np.uint8]


def write(rows: npt.NDArray[np.integer], width: int, height: int, **form: object) -> bytes:
    """Encode rows with pypng, an encoder that is independent of Pillow."""
    file = io.BytesIO()
    pypng.Writer(width, height, **form).write(file, rows.tolist())
    return file.getvalue()


@pytest.fixture(scope="module")
def digit(seven: bytes) -> Grey:
    """A 7 of MNIST, 28 × 28."""
    return decode(seven, MANY_PIXELS)


def shape(image: Grey) -> Grey:
    """Return the normalised image."""
    return normalise(image)[0]


@pytest.mark.parametrize(("interlace", "inverted"), [*itertools.product([False, True], repeat=2)])
def test_every_grey_depth(digit: Grey, interlace: bool, inverted: bool) -> None:  # noqa: FBT001 - a table
    """Grey of 1, 2, 4, 8 and 16 bits, interlaced or not, either polarity, is read as its 8-bit levels."""
    image = 255 - digit if inverted else digit
    for bits in (1, 2, 4, 8, 16):
        most = 2**bits - 1
        levels = np.rint(image / 255 * most).astype(int)
        data = write(levels, 28, 28, greyscale=True, bitdepth=bits, interlace=interlace)
        np.testing.assert_array_equal(decode(data, MANY_PIXELS), np.rint(levels / most * 255))


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_colour(digit: Grey, bits: int, interlace: bool) -> None:  # noqa: FBT001 - a table
    """Colour of 8 and 16 bits becomes its grey level; blue ink on yellow paper is read."""
    factor = (2**bits - 1) // 255
    grey = np.repeat(digit.astype(int) * factor, 3, axis=1)
    data = write(grey, 28, 28, greyscale=False, bitdepth=bits, interlace=interlace)
    np.testing.assert_array_equal(decode(data, MANY_PIXELS), digit)
    paper, ink = np.array([255, 240, 120]), np.array([20, 30, 160])
    share = digit[..., None] / 255
    colour = np.rint(paper * (1 - share) + ink * share).astype(int) * factor
    data = write(colour.reshape(28, -1), 28, 28, greyscale=False, bitdepth=bits, interlace=interlace)
    normal, receipt = normalise(decode(data, MANY_PIXELS))
    assert receipt.inverted
    assert np.corrcoef(normal.ravel(), digit.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes(digit: Grey, bits: int, transparent: bool) -> None:  # noqa: FBT001 - a table
    """Palettes of every depth, with and without transparent entries, are read by their colours."""
    most = 2**bits - 1
    levels = np.rint(digit / 255 * most).astype(int)
    shades = [entry * 255 // most for entry in range(2**bits)]
    palette = [(0, 0, 0, shade) if transparent else (shade, shade, shade) for shade in shades]
    data = write(levels, 28, 28, palette=palette, bitdepth=bits)
    expected = levels * 255 // most
    np.testing.assert_array_equal(decode(data, MANY_PIXELS), 255 - expected if transparent else expected)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("ink", [0, 255])
def test_ink_on_nothing(digit: Grey, bits: int, grey: bool, ink: int) -> None:  # noqa: FBT001 - a table
    """Black or white ink on a transparent background is read: the backdrop is the opposite of the ink."""
    factor = (2**bits - 1) // 255
    colour = [np.full_like(digit, ink).astype(int)] * (1 if grey else 3)
    pixels = np.stack([*colour, digit.astype(int)], axis=-1).reshape(28, -1) * factor
    data = write(pixels, 28, 28, greyscale=grey, alpha=True, bitdepth=bits)
    np.testing.assert_array_equal(shape(decode(data, MANY_PIXELS)), digit)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_one_transparent_grey_level(digit: Grey, bits: int) -> None:
    """A grey level declared transparent (tRNS) is background, not ink, at every bit depth."""
    most = 2**bits - 1
    levels = np.where(digit > 127, most, 0)
    data = write(levels, 28, 28, greyscale=True, bitdepth=bits, transparent=0)
    normal, receipt = normalise(decode(data, MANY_PIXELS))
    assert not receipt.inverted
    assert np.corrcoef(normal.ravel(), digit.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("bits", [8, 16])
def test_one_transparent_colour(digit: Grey, bits: int) -> None:
    """A colour declared transparent is background: black ink on it is read, although the colour is dark."""
    most = 2**bits - 1
    pixels = np.where(digit[..., None] > 127, [0, 0, 0], [most, 0, most]).reshape(28, -1)
    data = write(pixels, 28, 28, greyscale=False, bitdepth=bits, transparent=(most, 0, most))
    assert set(np.unique(decode(data, MANY_PIXELS))) == {0, 255}


def test_a_cut_out_photo_keeps_its_own_paper() -> None:
    """If most of a picture is opaque, its transparent part becomes paper, not ink."""
    pixels = np.full((60, 60, 2), 255, np.uint8)
    pixels[:4, :, 1] = 0
    pixels[20:44, 28:32, 0] = 20
    grey = decode(encode_la(pixels), MANY_PIXELS)
    assert (grey[:4] == 255).all()
    assert normalise(grey)[1].crop == (28, 20, 32, 44)


def encode_la(pixels: Grey) -> bytes:
    """Encode grey with alpha."""
    file = io.BytesIO()
    Image.fromarray(pixels, "LA").save(file, "PNG")
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a PNG chunk."""
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def header(width: int, height: int) -> bytes:
    """Return signature and header of an 8-bit grey PNG."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_png"),
        (b"\xff\xd8\xff\xe0JFIF", "not_png"),
        (header(5000, 5000), "too_many_pixels"),
        (header(2**31 - 1, 2**31 - 1), "too_many_pixels"),
        (header(0, 10), "broken_image"),
        (header(10, 10), "broken_image"),
        (header(10, 10) + chunk(b"IDAT", b"no zlib") + chunk(b"IEND", b""), "broken_image"),
        (header(10, 10) + chunk(b"IDAT", zlib.compress(bytes(50))), "broken_image"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", bytes(40)), "broken_image"),
    ],
)
def test_what_is_no_picture(data: bytes, reason: str) -> None:
    """Other formats, huge sizes (found in the header alone) and damaged files each have their reason."""
    with pytest.raises(InvalidImage) as caught:
        decode(data, MANY_PIXELS)
    assert caught.value.reason == reason


def test_other_formats_never_reach_a_decoder() -> None:
    """A GIF is rejected, although Pillow can read GIFs."""
    file = io.BytesIO()
    Image.new("L", (9, 9)).save(file, "GIF")
    with pytest.raises(InvalidImage, match="not a PNG"):
        decode(file.getvalue(), MANY_PIXELS)
