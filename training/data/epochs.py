"""The images of one epoch: deformed digits, then outliers, which are no digit.

images[:n]     the n training images in their own order, deformed, some with changed ink
images[n:]     the outliers
labels         the digits' labels, then NO_DIGIT for each outlier
"""

from typing import NamedTuple

import numpy as np

from training.data.augmentation import deform
from training.data.ink import vary_ink
from training.data.mnist import NO_DIGIT, Images, Labels
from training.data.outliers import outliers


class Variety(NamedTuple):
    """The share of images that get each change of ink, and the number of outliers in an epoch."""

    ink: float
    outliers: int


class Source(NamedTuple):
    """What epochs are drawn from: images uint8 (n, 28, 28), their labels, their variety, and the seed."""

    images: Images
    labels: Labels
    variety: Variety
    seed: list[int]

    @property
    def size(self) -> int:
        """The number of images in an epoch."""
        return len(self.images) + self.variety.outliers

    @property
    def epoch_labels(self) -> Labels:
        """The labels (size,) of an epoch's images, the same in every epoch."""
        return np.concatenate([self.labels, np.full(self.variety.outliers, NO_DIGIT, np.uint8)])


def draw_epoch(source: Source, epoch: int, out: Images) -> None:
    """Write an epoch's images into `out` uint8 (size, 28, 28); they depend on source and epoch alone.

    >>> images, labels = np.full((4, 28, 28), 200, np.uint8), np.arange(4, dtype=np.uint8)
    >>> source = Source(images, labels, Variety(ink=0.1, outliers=2), seed=[1])
    >>> drawn = np.empty((source.size, 28, 28), np.uint8)
    >>> draw_epoch(source, 0, drawn)
    >>> bool((drawn[:4] != images).any()), source.epoch_labels
    (True, array([ 0,  1,  2,  3, 10, 10], dtype=uint8))
    """
    rng = np.random.default_rng([*source.seed, epoch])
    n = len(source.images)
    deform(source.images, rng, out[:n])
    vary_ink(out[:n], source.variety.ink, rng)
    out[n:] = outliers(source.variety.outliers, source.images, rng)
