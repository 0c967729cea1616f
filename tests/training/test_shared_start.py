"""A first layer that begins as a convolution."""

from dataclasses import replace

import numpy as np
import pytest

from models.network import Network, forward
from training.backprop import backward
from training.data.mnist import Split
from training.fit import fit
from training.initializers import initialise
from training.losses import LOSSES, cost
from training.optimizers import OPTIMIZERS
from training.recipe import Recipe
from training.shared_start import (
    PIXELS_OF_PLACE,
    PLACES,
    STRIDE,
    WINDOW,
    share_gradients,
    shared_start,
)
from training.state import start

MAPS = 3
LOSS = LOSSES["cross_entropy"]


@pytest.fixture
def network() -> Network:
    """64 places with three maps, then ten outputs; float64."""
    rng = np.random.default_rng(0)
    plain = initialise([784, PLACES * MAPS, 10], ["relu", "softmax"], rng, dtype=np.float64)
    return shared_start(plain, rng)


def kernel(network: Network) -> "np.ndarray[tuple[int, ...], np.dtype[np.floating]]":
    """Return K from the weights of the neurons at the first place."""
    return network[0].W[PIXELS_OF_PLACE[0], :MAPS]


def test_it_is_a_convolution(network: Network) -> None:
    """The z of each neuron is its window times the weights of its map."""
    x = np.random.default_rng(1).random((2, 784))
    z = forward(network, x).z[0].reshape(2, 8, 8, MAPS)
    for row, column in [(0, 0), (3, 7), (7, 2)]:
        window = x.reshape(2, 28, 28)[
            :, STRIDE * row : STRIDE * row + WINDOW, STRIDE * column : STRIDE * column + WINDOW
        ]
        np.testing.assert_allclose(z[:, row, column], window.reshape(2, -1) @ kernel(network))
    np.testing.assert_allclose(kernel(network).std(), np.sqrt(2 / 49), rtol=0.2)


def test_the_shared_gradient_is_the_slope_by_the_shared_weight(network: Network) -> None:
    """share_gradients() gives the slope of the cost as all copies of a weight change together."""
    rng = np.random.default_rng(2)
    x, y = rng.random((3, 784)), np.eye(10)[[1, 2, 3]]
    activity = forward(network, x)
    gradients = backward(network, activity, LOSS.cost_gradient(activity, y), from_logits=True)
    share_gradients(gradients)
    for tap, which in [(0, 0), (24, 1), (48, 2)]:
        costs = []
        for step in (1e-6, -1e-6):
            moved = network[0].W.copy()
            moved[PIXELS_OF_PLACE[:, tap], np.arange(PLACES) * MAPS + which] += step
            z = forward((replace(network[0], W=moved), network[1]), x).z[-1]
            costs.append(cost(LOSS.function(z, y)))
        exact = gradients["W0"][PIXELS_OF_PLACE[5, tap], 5 * MAPS + which]
        assert exact == pytest.approx((costs[0] - costs[1]) / 2e-6, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_shared_weights_stay_equal_then_part(small_split: Split, optimizer: str) -> None:
    """While shared, copies are equal bit for bit with every optimizer; afterwards each weight differs."""
    recipe = Recipe(
        hidden=(PLACES * 2,),
        epochs=2,
        shared_epochs=2,
        optimizer=optimizer,
        learning_rate=0.01,
        dropout=(0.1, 0.1),
        weight_decay=0.01,
        average_decay=0.5,
        deform=False,
    )
    (first, _) = fit(start(recipe), small_split)
    neurons = np.arange(PLACES * 2).reshape(PLACES, 1, 2)
    weights = first.W[PIXELS_OF_PLACE[:, :, None], neurons]
    assert (weights == weights[0]).all()
    assert weights[0].std() > 0
    assert np.count_nonzero(first.W) == PLACES * WINDOW**2 * 2
    assert len(np.unique(first.b)) == 2
    (first, _) = fit(start(replace(recipe, shared_epochs=1)), small_split)
    assert np.count_nonzero(first.W) > PLACES * WINDOW**2 * 2


def test_other_sizes_are_refused() -> None:
    """The first layer must have the same number of neurons at each of the 64 places."""
    for hidden in ((100,), ()):
        with pytest.raises(ValueError, match="multiple of 64"):
            Recipe(shared_epochs=1, hidden=hidden)
