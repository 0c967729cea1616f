"""Epochs from a process of their own are those that this process would draw, and the process ends."""

import multiprocessing

import numpy as np
import pytest

from training.data import NO_DIGIT, Examples, targets
from training.epochs import Drawn, Source, Variety, draw_epoch, labels_with
from training.feeder import feeding
from training.initializers import initialise
from training.reader import Reader
from training.teaching import Teachers, soft_targets


@pytest.fixture
def source(mnist_500: Examples) -> Source:
    """200 digits, and 30 outliers an epoch."""
    return Source(mnist_500.images[:200], mnist_500.labels[:200], Variety(0.1, 30), [5, 2])


def empty(source: Source) -> Drawn:
    """Make room for an epoch."""
    return Drawn(np.empty((source.size, 28, 28), np.uint8), np.empty((source.size, 10), np.float32))


def copied(drawn: Drawn) -> Drawn:
    """Keep an epoch beyond its slot's next use."""
    return Drawn(drawn.images.copy(), drawn.y.copy())


def test_epochs_hang_on_their_number_alone(source: Source) -> None:
    """Whatever epoch feeding starts with, an epoch is the same to the bit, and none is another's."""
    with feeding(source, 0) as epochs:
        fed = [copied(next(epochs)) for _ in range(5)]
    with feeding(source, 3) as epochs:
        for before in fed[3:]:
            drawn = next(epochs)
            np.testing.assert_array_equal(drawn.images, before.images)
            np.testing.assert_array_equal(drawn.y, before.y)
    assert len({drawn.images.tobytes() for drawn in fed}) == 5


def test_an_epoch_is_the_one_that_would_be_drawn_here(source: Source) -> None:
    """As draw_epoch in this process, but for a level where products round otherwise on several threads."""
    with feeding(source, 1) as epochs:
        fed, drawn = next(epochs), empty(source)
        draw_epoch(source, 1, drawn)
        # The feeder has one thread, this process perhaps several.
        np.testing.assert_allclose(fed.images.astype(int), drawn.images.astype(int), rtol=0, atol=1)
        assert (fed.images != drawn.images).mean() < 1e-3
        np.testing.assert_array_equal(fed.y, drawn.y)


def test_images_and_labels_belong_together(source: Source, mnist_500: Examples) -> None:
    """An epoch has the digits in their own order, then outliers, and its labels say which is which."""
    images, y = drawn = empty(source)
    draw_epoch(source, 0, drawn)
    labels = labels_with(mnist_500.labels[:200], source.variety)
    assert len(images) == len(labels) == 230
    np.testing.assert_array_equal(y, targets(labels))
    np.testing.assert_array_equal(labels[:200], mnist_500.labels[:200])
    assert (labels[200:] == NO_DIGIT).all()
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(images, source.images, strict=False)]
    assert np.mean(alike) > 0.4


def test_teachers_speak_in_the_feeder(source: Source) -> None:
    """With teachers, a digit's target is their opinion of the deformed image; an outlier's stays 1/10."""
    network = initialise([784, 10], ["softmax"], np.random.default_rng(0))
    teachers = Teachers((Reader((), network),), 3.0)
    with feeding(source._replace(teachers=teachers), 0) as epochs:
        images, y = next(epochs)
        np.testing.assert_allclose(y[:200], soft_targets(teachers, images[:200]), rtol=1e-3)
        assert (y[200:] == np.float32(0.1)).all()


def test_the_process_ends_with_the_block(source: Source) -> None:
    """After the block, and after an exception in it, no process is left."""
    with feeding(source, 0) as epochs:
        next(epochs)
        assert len(multiprocessing.active_children()) == 1
    assert not multiprocessing.active_children()
    with pytest.raises(StopIteration), feeding(source, 0):
        next(iter(()))
    assert not multiprocessing.active_children()
