"""Ink: what pens, paper and scaling do to a digit that deformation does not.

Each effect happens to a share of the images, at a strength s of each image's own, from 0 to 1:

    thicken   a + s (max over the pixel and its four neighbours - a)        a marker
    thin      a + s (min over them - a), brought back to full strength      a hairline
    blur      a + s (mean over 3 × 3 - a)                                   an image made smaller twice
    harden    (a - 128) (1 + 7 s) + 128, within 0 to 255                    ink that is there or not

a is a pixel from 0 to 255.
"""

from collections.abc import Callable

import numpy as np

from models.activations import Array
from training.data.mnist import Images

Pixels = Array


def vary_ink(images: Images, share: float, rng: np.random.Generator) -> None:
    """Apply each effect, in place, to that share of images uint8 (N, 28, 28).

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
    """Let strokes spread by up to a pixel on each side."""
    return a + s * (_neighbours(a, np.maximum) - a)


def thin(a: Pixels, s: Pixels) -> Pixels:
    """Wear strokes away by up to a pixel on each side, and bring what is left to its old strength."""
    worn = a + s * (_neighbours(a, np.minimum) - a)
    strongest, before = (part.max(axis=(1, 2), keepdims=True) for part in (worn, a))
    return worn * (before / np.maximum(strongest, 1))


def blur(a: Pixels, s: Pixels) -> Pixels:
    """Mix each pixel with the mean of its surroundings."""
    rows = _shifted(a, 1, 1) + a + _shifted(a, -1, 1)
    mean = (_shifted(rows, 1, 2) + rows + _shifted(rows, -1, 2)) / 9
    return a + s * (mean - a)


def harden(a: Pixels, s: Pixels) -> Pixels:
    """Push grey to black or white."""
    return (a - 128) * (1 + 7 * s) + 128


def _neighbours(a: Pixels, choose: Callable[[Pixels, Pixels], Pixels]) -> Pixels:
    """Return the chosen of each pixel and its four neighbours."""
    chosen = a
    for axis in (1, 2):
        for step in (1, -1):
            chosen = choose(chosen, _shifted(a, step, axis))
    return chosen


def _shifted(a: Pixels, step: int, axis: int) -> Pixels:
    """Move images by a pixel; MNIST's border is black, so what comes round is black too."""
    return np.roll(a, step, axis)
