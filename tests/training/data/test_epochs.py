"""One epoch's images: digits in their order, then outliers."""

import numpy as np
import pytest

from training.data.epochs import Source, Variety, draw_epoch
from training.data.mnist import NO_DIGIT, Examples


@pytest.fixture
def source(mnist_500: Examples) -> Source:
    """200 digits, and 30 outliers an epoch."""
    return Source(mnist_500.images[:200], mnist_500.labels[:200], Variety(0.1, 30), [5, 2])


def test_images_and_labels_belong_together(source: Source) -> None:
    """An epoch has the digits in their own order, then outliers, and its labels tell them apart."""
    images = np.empty((source.size, 28, 28), np.uint8)
    draw_epoch(source, 0, images)
    labels = source.epoch_labels
    assert len(images) == len(labels) == 230
    np.testing.assert_array_equal(labels[:200], source.labels)
    assert (labels[200:] == NO_DIGIT).all()
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(images, source.images, strict=False)]
    assert np.mean(alike) > 0.4


def test_epochs_differ_by_number_and_seed(source: Source) -> None:
    """Another number or another seed gives other images; the same two give the same, bit for bit."""
    first, again, next_one, other_seed = np.empty((4, source.size, 28, 28), np.uint8)
    draw_epoch(source, 0, first)
    draw_epoch(source, 0, again)
    draw_epoch(source, 1, next_one)
    draw_epoch(source._replace(seed=[6, 2]), 0, other_seed)
    np.testing.assert_array_equal(first, again)
    assert (next_one != first).any(axis=(1, 2)).all()
    assert (other_seed != first).any(axis=(1, 2)).all()
