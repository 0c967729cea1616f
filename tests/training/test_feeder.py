"""Epochs from a process of their own are those that this process would draw, and the process ends."""

import multiprocessing

import numpy as np
import pytest

from training.data import NO_DIGIT, Examples
from training.epochs import Source, Variety, draw_epoch, labels_with
from training.feeder import feeding


@pytest.fixture
def source(mnist_500: Examples) -> Source:
    """200 digits, and 30 outliers an epoch."""
    return Source(mnist_500.images[:200], Variety(0.1, 30), [5, 2])


@pytest.mark.parametrize("first_epoch", [0, 3])
def test_epochs_hang_on_their_number_alone(source: Source, first_epoch: int) -> None:
    """Whatever epoch feeding starts with, each epoch's images are draw_epoch's, and none is another's."""
    seen = []
    with feeding(source, first_epoch) as epochs:
        for epoch in range(first_epoch, first_epoch + 4):
            images = next(epochs).copy()
            expected = np.empty_like(images)
            draw_epoch(source, epoch, expected)
            np.testing.assert_array_equal(images, expected)
            seen.append(images.tobytes())
    assert len(set(seen)) == 4


def test_images_and_labels_belong_together(source: Source, mnist_500: Examples) -> None:
    """An epoch has the digits in their own order, then outliers, and its labels say which is which."""
    images = np.empty((source.size, 28, 28), np.uint8)
    draw_epoch(source, 0, images)
    labels = labels_with(mnist_500.labels[:200], source.variety)
    assert len(images) == len(labels) == 230
    np.testing.assert_array_equal(labels[:200], mnist_500.labels[:200])
    assert (labels[200:] == NO_DIGIT).all()
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(images, source.images, strict=False)]
    assert np.mean(alike) > 0.4


def test_the_process_ends_with_the_block(source: Source) -> None:
    """After the block, and after an exception in it, no process is left."""
    with feeding(source, 0) as epochs:
        next(epochs)
        assert len(multiprocessing.active_children()) == 1
    assert not multiprocessing.active_children()
    with pytest.raises(StopIteration), feeding(source, 0):
        next(iter(()))
    assert not multiprocessing.active_children()
