"""Measure the mean width of a digit's strokes, and bring it to what MNIST's pens draw.

A stroke of length L and width w has the area L · w and an outline of about 2 · L, so that

    width = 2 · area / outline

The outline is estimated from the edges between pixels of ink and of ground: on average over all directions,
a line of length 1 crosses 4 / π of them. Thinner strokes are dilated, broader ones eroded: each pixel becomes
the maximum or minimum over its neighbourhood, an octagon, which is nearly a disk.

Source of dilations and erosions: Serra, Image Analysis and Mathematical Morphology, 1982.
"""

import math

import numpy as np

from service.images.codec import Grey, Mask, resized
from service.images.ink import THRESHOLD_SHARE

# A digit's longest side in MNIST, in pixels.
DIGIT_SIDE = 20
# In these pixels: of MNIST's digits, nine tenths have a width from 1.6 to 3.9, and the median is 2.5.
MIN_STROKE_WIDTH, MAX_STROKE_WIDTH = 2.7, 3.8
# Smaller digits are enlarged first: for them, a radius in whole pixels is too coarse.
MIN_SIDE = 50


def adjusted_stroke_width(ink: Grey, strong: float) -> Grey:
    """Return a digit's ink (height, width), cropped to the digit, with strokes as wide as in MNIST.

    strong is the level of strong ink. The picture may come back larger: with a margin for dilated strokes, or
    enlarged by a whole factor.
    """
    width = stroke_width(ink > int(THRESHOLD_SHARE * strong)) * DIGIT_SIDE / max(ink.shape)
    if MIN_STROKE_WIDTH <= width <= MAX_STROKE_WIDTH:
        return ink
    factor = math.ceil(MIN_SIDE / max(ink.shape))
    ink = resized(ink, (ink.shape[1] * factor, ink.shape[0] * factor))
    change = max(MIN_STROKE_WIDTH - width, width - MAX_STROKE_WIDTH)
    radius = round(change / 2 * max(ink.shape) / DIGIT_SIDE)
    # An erosion of ink is a dilation of what is not ink.
    return ~dilated(~ink, radius) if width > MAX_STROKE_WIDTH else dilated(np.pad(ink, radius), radius)


def stroke_width(mask: Mask) -> float:
    """Return the mean width of the strokes of a mask (height, width), in pixels.

    The factor π / 4 is the mean over all directions, so it must be undone for a vertical stroke. This one
    is 4 pixels wide and 50 long; its two ends add to the outline.

    >>> mask = np.zeros((60, 60), bool); mask[5:55, 20:24] = True
    >>> round(stroke_width(mask) * np.pi / 4, 1)
    3.7
    """
    edges = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    edges += sum(np.count_nonzero(side) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    outline = max(np.pi / 4 * edges, 1)
    return float(2 * np.count_nonzero(mask) / outline)


def dilated(ink: Grey, radius: int) -> Grey:
    """Grow ink by `radius` pixels in each direction, within the picture.

    Diamonds and squares of radius 1 in turn make an octagon.
    """
    for step in range(radius):
        higher = _spread(ink)
        wider = _spread((higher if step % 2 else ink).T).T
        ink = np.maximum(higher, wider)
    return ink


def _spread(ink: Grey) -> Grey:
    """Raise each pixel to the level of the pixel above or below it."""
    spread = np.array(ink)
    np.maximum(spread[1:], ink[:-1], out=spread[1:])
    np.maximum(spread[:-1], ink[1:], out=spread[:-1])
    return spread
