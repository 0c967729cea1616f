"""The images of one epoch: deformed digits with varied ink, and pictures that are no digit.

images[:n]     the n training images, deformed and inked anew, in their own order
images[n:]     the outliers; their label is NO_DIGIT
"""

from typing import NamedTuple

import numpy as np

from training.augmentation import deform
from training.data import NO_DIGIT, Images, Labels
from training.ink import vary_ink
from training.outliers import outliers


class Variety(NamedTuple):
    """The share of images that each change of ink happens to, and the number of outliers an epoch."""

    ink: float
    outliers: int


class Source(NamedTuple):
    """What epochs are drawn from: images uint8 (n, 28, 28), how they vary, and the seed."""

    images: Images
    variety: Variety
    seed: list[int]

    @property
    def size(self) -> int:
        """The number of images in an epoch."""
        return len(self.images) + self.variety.outliers


def labels_with(labels: Labels, variety: Variety) -> Labels:
    """Return the labels of an epoch's images: those of the digits, then NO_DIGIT for each outlier."""
    return np.concatenate([labels, np.full(variety.outliers, NO_DIGIT, np.uint8)])


def draw_epoch(source: Source, epoch: int, out: Images) -> None:
    """Fill `out` (source.size, 28, 28) with the images of an epoch: they hang on its number alone.

    >>> source = Source(np.full((4, 28, 28), 200, np.uint8), Variety(0.1, 2), [1])
    >>> draw_epoch(source, 0, np.empty((source.size, 28, 28), np.uint8))
    """
    rng = np.random.default_rng([*source.seed, epoch])
    n = len(source.images)
    deform(source.images, rng, out[:n])
    vary_ink(out[:n], source.variety.ink, rng)
    out[n:] = outliers(source.variety.outliers, source.images, rng)
