"""Every legal PNG is decoded to its samples: any colour type, depth, filter, transparency, interlacing."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from service.images.codec import decode
from tests.service.images.pngs import (
    FILTERS,
    KINDS,
    SAMPLES,
    SIZES,
    Samples,
    encode,
    read_back,
    transparencies,
)

MANY_PIXELS = 2**24
WEIGHTS = np.array([0.299, 0.587, 0.114])  # of red, green and blue (ITU-R BT.601)
Floats = npt.NDArray[np.float64]


def picture(rng: np.random.Generator, size: tuple[int, int], colour: int, depth: int) -> Samples:
    """Return a picture of four random colours: one may be transparent, and another is close to it."""
    some = rng.integers(0, 2**depth, (4, SAMPLES[colour]), np.uint16)
    some[1] = some[0] ^ 1
    picked: Samples = some[rng.integers(0, 4, size)]
    return picked


def in_eight_bits(samples: Samples, depth: int) -> Samples:
    """Convert levels to 8 bits: of 16, the upper byte, as in Pillow, which is at most one level too dark."""
    levels: Samples = samples >> 8 if depth == 16 else samples * 255 // (2**depth - 1)
    return levels


def expected(
    samples: Samples, colour: int, depth: int, palette: Samples, transparency: bytes
) -> tuple[Floats, Floats]:
    """Return the exact grey levels and opacities (0 to 255)."""
    alpha = np.full(samples.shape[:2], 255.0)
    if colour == 3:
        opacities = np.frombuffer(transparency.ljust(256, b"\xff"), np.uint8)
        return palette[samples[..., 0]] @ WEIGHTS, opacities[samples[..., 0]].astype(float)
    if colour in {4, 6}:
        alpha = in_eight_bits(samples[..., -1], depth).astype(float)
        samples = samples[..., :-1]
    elif transparency:
        alpha[(samples == np.frombuffer(transparency, ">u2")).all(axis=-1)] = 0
    levels = in_eight_bits(samples, depth)
    return levels @ WEIGHTS if levels.shape[2] == 3 else levels[..., 0].astype(float), alpha


def over_backdrop(grey: Floats, alpha: Floats) -> Floats:
    """Composite ink over its opposite, and a picture that has its own background over that background."""
    opaque = np.sort(np.rint(grey[alpha > 127]))
    if not opaque.size:
        return np.zeros_like(grey)
    middle = opaque[(opaque.size - 1) // 2]
    backdrop = middle if 2 * opaque.size > grey.size else 255 * (middle < 128)
    return backdrop + (np.rint(grey) - backdrop) * alpha / 255


@pytest.mark.parametrize(("colour", "depth"), KINDS)
def test_every_legal_png_is_read_as_its_samples_say(colour: int, depth: int) -> None:
    """Each colour type and depth is decoded with all filters, interlacings, transparencies and sizes.

    A level is the exact one, rounded (0.51, because the weights in Pillow have 16 bits).
    """
    rng = np.random.default_rng([colour, depth])
    for size, filters, interlaced in itertools.product(SIZES, FILTERS, [False, True]):
        samples = picture(rng, size, colour, depth)
        palette = rng.integers(0, 256, (2**depth if colour == 3 else 1, 3), np.uint8)
        for transparency in transparencies(samples, colour, depth):
            data = encode(
                samples,
                colour,
                depth,
                interlaced=interlaced,
                filters=filters,
                palette=palette if colour == 3 else None,
                transparency=transparency,
                idat_bytes=5 if size == (9, 7) else 2**31 - 1,
            )
            grey, alpha = expected(samples, colour, depth, palette, transparency)
            levels = over_backdrop(grey, alpha) if (alpha < 255).any() else grey
            assert abs(decode(data, MANY_PIXELS) - levels).max() <= 0.51, (
                size,
                filters,
                interlaced,
                transparency,
            )


@pytest.mark.parametrize(("colour", "depth"), KINDS)
def test_the_encoder_is_right(colour: int, depth: int) -> None:
    """An independent decoder reads the encoded samples back from the files of our encoder."""
    rng = np.random.default_rng(depth)
    for size, filters, interlaced in itertools.product(SIZES[-3:], FILTERS, [False, True]):
        samples = picture(rng, size, colour, depth)
        palette = np.zeros((2**depth, 3), np.uint8) if colour == 3 else None
        data = encode(samples, colour, depth, interlaced=interlaced, filters=filters, palette=palette)
        np.testing.assert_array_equal(read_back(data), samples)
