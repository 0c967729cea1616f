"""The digit's final form: strokes as wide as MNIST's pens draw them, 20 pixels long, white on black.

stroke_width   2 · area / outline: a stroke of length L and width w has area L · w and outline 2 · L
widen          hairlines: each pixel becomes an octagon; much bolder strokes: the ground's pixels do
scale          longest side 20 pixels, the aspect kept, strong ink white
"""

import math

import numpy as np

from service.images.background import strong_level
from service.images.codec import Grey, reduced_to, resized
from service.images.connected_components import Mask

BOX = 20
# The longest side of what is worked on.
SHAPE_SIDE = 100
# Ink is what has this share of the strong ink's level.
THRESHOLD_SHARE = 0.45
# Strokes' mean widths in pixels when the digit is 20: what is beyond these limits is brought to them. Between
# them lies what MNIST's pens draw most; nine tenths of its digits are from 1.6 to 3.9, the median is 2.5.
THINNEST, BOLDEST = 2.7, 3.8


def shaped(ink: Grey, longest: int) -> tuple[Grey, float]:
    """Return the digit with strokes of MNIST's width, its longest side 20, and the scale.

    longest is the digit's longest side in the original's pixels.
    """
    ink = reduced_to(ink, SHAPE_SIDE)
    before = max(ink.shape)
    strong = strong_level(ink, 0)
    width = stroke_width(ink > int(THRESHOLD_SHARE * strong)) * BOX / before
    if width < THINNEST:
        ink = _widened(ink, (THINNEST - width) / 2)
    elif width > BOLDEST:
        ink = _widened(ink, (BOLDEST - width) / 2)
    return _scaled(ink, strong), BOX / longest


def stroke_width(mask: Mask) -> float:
    """Return the strokes' mean width in pixels, from area and outline.

    An outline of any direction crosses 4/π as many pixels' edges, on average, as it is long.

    >>> mask = np.zeros((60, 60), bool); mask[5:55, 20:24] = True
    >>> round(float(stroke_width(mask) * np.pi / 4), 1)
    3.7
    """
    crossings = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    crossings += sum(np.count_nonzero(side) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return float(2 * np.count_nonzero(mask) / max(np.pi / 4 * crossings, 1))


def _widened(ink: Grey, radius: float) -> Grey:
    """Make strokes wider by radius on either side, in the finished 20 pixels; narrower if negative."""
    longest = max(ink.shape)
    if longest < SHAPE_SIDE / 2:
        times = math.ceil(SHAPE_SIDE / 2 / longest)
        ink = resized(ink, (ink.shape[1] * times, ink.shape[0] * times))
        longest *= times
    pixels = round(abs(radius) * longest / BOX)
    if radius < 0:
        return thinned(ink, pixels)
    padded = np.zeros((ink.shape[0] + 2 * pixels, ink.shape[1] + 2 * pixels), np.uint8)
    padded[pixels : pixels + ink.shape[0], pixels : pixels + ink.shape[1]] = ink
    return thickened(padded, pixels)


def thickened(ink: Grey, radius: int) -> Grey:
    """Grow ink by radius pixels, as an octagon: squares and diamonds in turn."""
    grown = ink.copy()
    for step in range(radius):
        before = grown.copy()
        _spread(grown, before, 0)
        _spread(grown, grown.copy() if step % 2 else before, 1)
    return grown


def _spread(grown: Grey, before: Grey, axis: int) -> None:
    """Let each pixel reach its neighbours along an axis."""
    grown, before = (grown, before) if axis == 0 else (grown.T, before.T)
    np.maximum(grown[1:], before[:-1], out=grown[1:])
    np.maximum(grown[:-1], before[1:], out=grown[:-1])


def thinned(ink: Grey, radius: int) -> Grey:
    """Shrink ink by radius pixels: what is not ink grows."""
    return ~thickened(~ink, radius)


def _scaled(ink: Grey, strong: float) -> Grey:
    """Make the longest side 20 pixels, and strong ink white."""
    longest = max(ink.shape)
    size = [max(1, round(side * BOX / longest)) for side in ink.shape]
    low, high = (0.25 * strong, 0.75 * strong) if longest > 2 * BOX else (0.0, strong)
    levels = np.clip((np.arange(256) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    digit = resized(levels.take(ink), (size[1], size[0]))
    strongest = int(digit.max())
    return digit if strongest in {0, 255} else (digit * np.float32(255 / strongest)).astype(np.uint8)
