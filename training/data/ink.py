"""Changes of ink: thick and thin pens, blurred and hard scans.

Each effect is applied to a random share of the images, with a random strength s from 0 to 1 for each image.
a is the value of a pixel, from 0 to 255:

    thicken   a + s (max over the pixel and its four neighbours - a)     like a marker
    thin      a + s (min over the same - a), scaled to the old maximum   like a hairline
    blur      a + s (mean over 3 × 3 - a)                                like an image scaled down twice
    harden    (a - 128) (1 + 7 s) + 128, clipped to 0 to 255             like a black-and-white scan
"""

from collections.abc import Callable

import numpy as np

from models.activations import Array
from training.data.mnist import Images

Pixels = Array


def vary_ink(images: Images, share: float, rng: np.random.Generator) -> None:
    """Apply each effect, in place, to a random share of the images uint8 (N, 28, 28).

    >>> images = np.zeros((1, 28, 28), np.uint8); images[0, 10:18, 14] = 200
    >>> vary_ink(images, 1.0, np.random.default_rng(0))
    >>> images[0, 14, 12:17].tolist()
    [0, 0, 255, 0, 0]
    """
    for effect in (thicken, thin, blur, harden):
        chosen = np.flatnonzero(rng.random(len(images)) < share)
        strength = rng.random((len(chosen), 1, 1), dtype=np.float32)
        changed = effect(images[chosen].astype(np.float32), strength)
        images[chosen] = np.clip(changed, 0, 255)


def thicken(a: Pixels, s: Pixels) -> Pixels:
    """Widen strokes by up to a pixel on each side."""
    return a + s * (_neighbours(a, np.maximum) - a)


def thin(a: Pixels, s: Pixels) -> Pixels:
    """Narrow strokes by up to a pixel on each side, and scale the rest to the old maximum."""
    thinned = a + s * (_neighbours(a, np.minimum) - a)
    strongest, before = (part.max(axis=(1, 2), keepdims=True) for part in (thinned, a))
    return thinned * (before / np.maximum(strongest, 1))


def blur(a: Pixels, s: Pixels) -> Pixels:
    """Mix each pixel with the mean of the 3 × 3 pixels around it."""
    rows = _shifted(a, 1, 1) + a + _shifted(a, -1, 1)
    mean = (_shifted(rows, 1, 2) + rows + _shifted(rows, -1, 2)) / 9
    return a + s * (mean - a)


def harden(a: Pixels, s: Pixels) -> Pixels:
    """Increase contrast, so that most grey becomes black or white."""
    return (a - 128) * (1 + 7 * s) + 128


def _neighbours(a: Pixels, choose: Callable[[Pixels, Pixels], Pixels]) -> Pixels:
    """Return the maximum or minimum, as `choose` says, of each pixel and its four neighbours."""
    chosen = a
    for axis in (1, 2):
        for step in (1, -1):
            chosen = choose(chosen, _shifted(a, step, axis))
    return chosen


def _shifted(a: Pixels, step: int, axis: int) -> Pixels:
    """Shift images by a pixel; MNIST's border is black, so the pixels that wrap round are black."""
    return np.roll(a, step, axis)
