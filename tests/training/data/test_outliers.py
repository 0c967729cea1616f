"""Pictures that are no digit."""

from collections.abc import Callable

import numpy as np
import pytest

from models.activations import Array
from training.data.mnist import Examples
from training.data.outliers import blobs, curves, noise, outliers, pieces, solids, strokes


@pytest.mark.parametrize("kind", [noise, blobs, solids, strokes, curves])
def test_every_kind_is_varied(kind: Callable[[int, np.random.Generator], Array]) -> None:
    """Pictures of each kind are 28 × 28, differ from one another, and have ink."""
    pictures = np.clip(kind(32, np.random.default_rng(0)), 0, 1)
    assert pictures.shape == (32, 28, 28)
    assert np.isfinite(pictures).all()
    assert len({picture.tobytes() for picture in pictures}) > 25
    assert (pictures.max(axis=(1, 2)) > 0.3).mean() > 0.8


def test_pieces_are_of_real_digits(mnist_500: Examples) -> None:
    """Each quarter of such a picture is a quarter of a real digit, turned."""
    picture = pieces(1, mnist_500.images[:20], np.random.default_rng(0))[0]
    quarters = {
        np.rot90(image[row : row + 14, column : column + 14], turns).tobytes()
        for image in mnist_500.images[:20]
        for row in (0, 14)
        for column in (0, 14)
        for turns in range(4)
    }
    for row in (0, 14):
        for column in (0, 14):
            assert picture[row : row + 14, column : column + 14].tobytes() in quarters


@pytest.mark.parametrize("n", [0, 1, 32, 100])
def test_any_number(mnist_500: Examples, n: int) -> None:
    """As many outliers are drawn as asked for, the same for the same seed."""
    first, again = (outliers(n, mnist_500.images, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (n, 28, 28)
    np.testing.assert_array_equal(first, again)
