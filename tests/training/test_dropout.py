"""Masks of dropout: the share that they drop, the mean that they keep."""

import numpy as np
import pytest

from models.activations import Array
from models.network import forward
from training.dropout import dropout_masks
from training.initializers import initialise


def one_mask(rate: float, size: int, n: int, seed: int = 1) -> Array:
    """Return the mask (n, size) of a single layer."""
    (mask,) = dropout_masks([rate], [size], n, np.random.default_rng(seed))
    assert mask is not None
    return mask


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_share_dropped_and_mean_kept(rate: float) -> None:
    """A share `rate` of the mask is 0, the rest 1 / (1 - rate), so that its mean is 1."""
    mask = one_mask(rate, 500, 1000)
    assert mask.dtype == np.float32
    assert (mask == 0).mean() == pytest.approx(rate, abs=0.003)
    assert np.unique(mask) == pytest.approx([0, 1 / (1 - rate)])
    assert mask.mean() == pytest.approx(1, rel=0.01)


def test_masked_activations_keep_their_mean() -> None:
    """Averaged over many masks, the next layer's inputs are the same as without dropout."""
    network = initialise([20, 30, 10], ["relu", "softmax"], np.random.default_rng(1))
    x = np.tile(np.random.default_rng(2).random(20, np.float32), (40_000, 1))
    drawn = dropout_masks([0.0, 0.5], [20, 30], len(x), np.random.default_rng(3))
    dropped, whole = forward(network, x, drawn).z[-1].mean(axis=0), forward(network, x).z[-1][0]
    assert dropped == pytest.approx(whole, abs=0.02)


def test_rate_zero_drops_nothing_and_costs_nothing() -> None:
    """A rate of 0 gives None instead of a mask of ones, and draws nothing from rng."""
    rng, untouched = np.random.default_rng(1), np.random.default_rng(1)
    assert dropout_masks([0, 0.0], [784, 512], 3, rng) == [None, None]
    assert rng.random() == untouched.random()


def test_one_mask_for_each_rate() -> None:
    """The first rate is for the inputs, the others for the first layers; later layers have no mask."""
    inputs, hidden = dropout_masks([0.2, 0.5], [784, 512, 256, 10], 4, np.random.default_rng(1))
    assert inputs is not None
    assert hidden is not None
    assert (inputs.shape, hidden.shape) == ((4, 784), (4, 512))


def test_each_image_has_its_own_mask() -> None:
    """No two rows of a mask are alike."""
    assert len(np.unique(one_mask(0.5, 256, 100), axis=0)) == 100


def test_the_same_seed_gives_the_same_masks() -> None:
    """All random numbers come from rng: equal seeds give equal masks, other seeds others."""
    first, second, other = (one_mask(0.5, 64, 8, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
