"""The images of one epoch, deformed digits and pictures that are no digit, and what to learn of them.

images[:n]     the n training images, deformed and inked anew, in their own order
images[n:]     the outliers
y[:n]          the digits' targets: 1 for the true digit, or what the teachers say of the image
y[n:]          1/10 for each digit
"""

from typing import NamedTuple

import numpy as np

from models.activations import Array
from training.augmentation import deform
from training.data import NO_DIGIT, Images, Labels, targets
from training.ink import vary_ink
from training.outliers import outliers
from training.teaching import NO_TEACHERS, Teachers, soft_targets


class Variety(NamedTuple):
    """The share of images that each change of ink happens to, and the number of outliers an epoch."""

    ink: float
    outliers: int


class Source(NamedTuple):
    """What epochs are drawn from: images uint8 (n, 28, 28), their digits, how they vary, and the seed."""

    images: Images
    labels: Labels
    variety: Variety
    seed: list[int]
    teachers: Teachers = NO_TEACHERS

    @property
    def size(self) -> int:
        """The number of images in an epoch."""
        return len(self.images) + self.variety.outliers


class Drawn(NamedTuple):
    """One epoch's images uint8 (size, 28, 28) and targets float32 (size, 10)."""

    images: Images
    y: Array


def labels_with(labels: Labels, variety: Variety) -> Labels:
    """Return the labels of an epoch's images: those of the digits, then NO_DIGIT for each outlier."""
    return np.concatenate([labels, np.full(variety.outliers, NO_DIGIT, np.uint8)])


def draw_epoch(source: Source, epoch: int, out: Drawn) -> None:
    """Fill `out` with the images and targets of an epoch: they hang on its number alone.

    >>> images, labels = np.full((4, 28, 28), 200, np.uint8), np.arange(4, dtype=np.uint8)
    >>> source = Source(images, labels, Variety(0.1, 2), [1])
    >>> drawn = Drawn(np.empty((source.size, 28, 28), np.uint8), np.empty((source.size, 10), np.float32))
    >>> draw_epoch(source, 0, drawn)
    >>> drawn.y.max(axis=1)
    array([1. , 1. , 1. , 1. , 0.1, 0.1], dtype=float32)
    """
    rng = np.random.default_rng([*source.seed, epoch])
    n = len(source.images)
    deform(source.images, rng, out.images[:n])
    vary_ink(out.images[:n], source.variety.ink, rng)
    out.images[n:] = outliers(source.variety.outliers, source.images, rng)
    out.y[:] = targets(labels_with(source.labels, source.variety))
    if source.teachers.readers:
        out.y[:n] = soft_targets(source.teachers, out.images[:n])


def undeformed(source: Source) -> Drawn:
    """Return the images as they are, without outliers, and their targets."""
    taught = source.teachers.readers
    return Drawn(
        source.images, soft_targets(source.teachers, source.images) if taught else targets(source.labels)
    )
