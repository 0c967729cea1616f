"""From images to vectors."""

import numpy as np
import pytest

from models.preprocessing import preprocess


def test_rows_follow_each_other() -> None:
    """Pixel (row, column) becomes value 28 · row + column, from 0 black to 1 white."""
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 2, 3] = 255
    image[0, 27, 27] = 51
    x = preprocess(image)
    assert x.dtype == np.float32
    assert x[0, 2 * 28 + 3] == 1
    assert x[0, 783] == pytest.approx(0.2)
    assert np.count_nonzero(x) == 2


@pytest.mark.parametrize("images", [np.zeros((1, 28, 28)), np.zeros((28, 28), np.uint8)])
def test_other_input_is_refused(images: np.ndarray) -> None:
    """Images with another dtype or shape are refused."""
    with pytest.raises(ValueError, match="expected uint8 images of shape"):
        preprocess(images)
