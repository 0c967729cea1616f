"""Epochs from a process of their own are those that this process would draw, and the process ends."""

import multiprocessing

import numpy as np
import pytest

from training.data.epochs import Source, Variety, draw_epoch
from training.data.mnist import Examples
from training.engine.feeder import feeding


@pytest.fixture
def source(mnist_500: Examples) -> Source:
    """200 digits, and 30 outliers an epoch."""
    return Source(mnist_500.images[:200], mnist_500.labels[:200], Variety(0.1, 30), [5, 2])


def test_epochs_depend_on_their_number_alone(source: Source) -> None:
    """An epoch is the same, bit for bit, whichever epoch comes first, and differs from all other epochs."""
    with feeding(source, 0) as epochs:
        fed = [next(epochs).copy() for _ in range(5)]
    with feeding(source, 3) as epochs:
        for before in fed[3:]:
            np.testing.assert_array_equal(next(epochs), before)
    assert len({images.tobytes() for images in fed}) == 5


def test_an_epoch_is_the_one_that_would_be_drawn_here(source: Source) -> None:
    """A fed epoch is that of draw_epoch here, to one grey level: threads change the rounding of products."""
    with feeding(source, 1) as epochs:
        fed, drawn = next(epochs), np.empty((source.size, 28, 28), np.uint8)
        draw_epoch(source, 1, drawn)
        # The feeder has one thread, this process perhaps several.
        np.testing.assert_allclose(fed.astype(int), drawn.astype(int), rtol=0, atol=1)
        assert (fed != drawn).mean() < 1e-3


def test_the_process_ends_with_the_block(source: Source) -> None:
    """After the block, and after an exception in it, no process is left."""
    with feeding(source, 0) as epochs:
        next(epochs)
        assert len(multiprocessing.active_children()) == 1
    assert not multiprocessing.active_children()
    with pytest.raises(StopIteration), feeding(source, 0):
        next(iter(()))
    assert not multiprocessing.active_children()
