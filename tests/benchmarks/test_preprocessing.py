"""The benchmark of the preprocessing."""

import numpy as np

from benchmarks.preprocessing import CANVAS, TWELVE_MEGAPIXELS, pictures, times
from service.images.normalise import normalise
from training.data.mnist import Examples


def test_each_kind_is_what_it_says_and_is_timed(mnist_500: Examples) -> None:
    """Images of MNIST as they are, drawings of 280 pixels, a photo of twelve megapixels; each can be read."""
    kinds = pictures(mnist_500.images[:2], np.random.default_rng(0))
    shapes = {name: images[0].shape for name, images in kinds.items()}
    assert shapes.pop("mnist") == (28, 28)
    assert shapes.pop("photo, 12 megapixels") == TWELVE_MEGAPIXELS[::-1]
    assert set(shapes.values()) == {CANVAS}
    for images in kinds.values():
        assert normalise(images[0])[0].max() > 100
    small = {name: images for name, images in kinds.items() if "photo" not in name}
    measured = times(small, rounds=2)
    assert measured.keys() == small.keys()
    assert min(measured.values()) > 0
