"""What teachers say of an image."""

import numpy as np

from models.activations import softmax
from models.preprocessing import preprocess
from training.convolution import draw_filters, features
from training.data import Examples
from training.initializers import initialise
from training.reader import Reader, read
from training.teaching import CHUNK, Teachers, logits, soft_targets


def teacher(maps: list[int], seed: int) -> Reader:
    """Draw a teacher that has learned nothing."""
    rng = np.random.default_rng(seed)
    filters = draw_filters(maps, rng)
    return Reader(filters, initialise([features(maps), 10], ["softmax"], rng))


def test_logits_do_not_hang_on_the_chunks(mnist_500: Examples) -> None:
    """Image after image or chunk after chunk, the logits are the same to rounding."""
    reader, images = teacher([4, 4], 0), mnist_500.images[: CHUNK + 3]
    alone = np.concatenate([read(reader, preprocess(image[None])).activity.z[-1] for image in images])
    np.testing.assert_allclose(logits(reader, images), alone, rtol=1e-4, atol=1e-4)


def test_teachers_agree_on_the_mean(mnist_500: Examples) -> None:
    """Two teachers: softmax of the mean of their logits, over the temperature."""
    first, second = teacher([4], 1), teacher([], 2)
    images = mnist_500.images[:20]
    z = (logits(first, images) + logits(second, images)) / 2
    np.testing.assert_allclose(
        soft_targets(Teachers((first, second), 5.0), images), softmax(z / 5), rtol=1e-5
    )


def test_a_higher_temperature_says_more_of_the_others(mnist_500: Examples) -> None:
    """The likeliest digit stays, its target is lower, and each row still sums to 1."""
    reader, images = teacher([4], 1), mnist_500.images[:50]
    cold, warm = (soft_targets(Teachers((reader,), t), images) for t in (1.0, 4.0))
    np.testing.assert_array_equal(cold.argmax(axis=1), warm.argmax(axis=1))
    assert (warm.max(axis=1) < cold.max(axis=1)).all()
    np.testing.assert_allclose(warm.sum(axis=1), 1, rtol=1e-5)
