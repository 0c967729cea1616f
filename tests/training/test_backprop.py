"""Backpropagation, compared with numbers computed by hand and with numerical gradients."""

from collections.abc import Callable, Sequence
from itertools import count, product

import numpy as np
import pytest

from models.activations import ACTIVATIONS, Array
from models.network import Activity, Layer, Network, Parameters, forward, parameters
from training.backprop import backward
from training.initializers import initialise
from training.losses import LOSSES, Loss, cost, difference

SIZES = [5, 4, 3, 3]
N = 3
EPSILON = 1e-6
LEAST_DISTANCE = 1e-4
ACCEPTED = [
    (hidden, output, name)
    for hidden, (name, loss) in product(ACTIVATIONS, LOSSES.items())
    for output in loss.outputs
]


def loss_of(network: Network, x: Array, y: Array, loss: Loss, masks: list[Array | None]) -> float:
    """Return the cost of a batch."""
    return cost(loss.losses(forward(network, x, masks), y))


def gradients_of(
    network: Network, x: Array, y: Array, loss: Loss, masks: Sequence[Array | None] = ()
) -> Parameters:
    """Return the gradient of a batch's cost with respect to each parameter."""
    activity = forward(network, x, masks)
    upstream = loss.cost_gradient(activity, y)
    return backward(network, activity, upstream, masks, from_logits=loss.takes_logits)


def numerical_gradient(parameter: Array, cost_now: Callable[[], float]) -> Array:
    """Return the central difference of the cost with respect to each entry of one parameter."""
    gradient = np.zeros_like(parameter)
    for index in np.ndindex(parameter.shape):
        kept = parameter[index]
        parameter[index] = kept + EPSILON
        above = cost_now()
        parameter[index] = kept - EPSILON
        below = cost_now()
        parameter[index] = kept
        gradient[index] = (above - below) / (2 * EPSILON)
    return gradient


def away_from_kinks(activity: Activity, y: Array) -> bool:
    """Whether no weighted sum or output lies where an activation or a loss has a corner."""
    z = np.concatenate([np.abs(z).ravel() for z in activity.z])
    y_hat = activity.a[-1]
    corners = np.concatenate(
        [z, np.abs(z - 2), np.abs(y_hat - y).ravel(), np.abs(1 - (2 * y - 1) * y_hat).ravel()]
    )
    # An output that a mask or a cut-off made exactly 0 stays there: no corner is crossed.
    return bool((corners[corners > 0] > LEAST_DISTANCE).all())


def draw(hidden: str, output: str) -> tuple[Network, Array, Array]:
    """Draw a network and a batch with the first seed for which no value is near a corner."""
    for seed in count():
        rng = np.random.default_rng(seed)
        activations = [hidden, hidden, output]
        network = initialise(SIZES, activations, rng, weights="xavier", biases="uniform", dtype=np.float64)
        x, y = rng.normal(size=(N, SIZES[0])), np.eye(SIZES[-1])[rng.integers(0, SIZES[-1], N)]
        if away_from_kinks(forward(network, x), y):
            return network, x, y
    raise AssertionError


def assert_gradients_agree(
    network: Network, x: Array, y: Array, loss: Loss, masks: list[Array | None]
) -> None:
    """Assert that every gradient equals its central difference, with a relative error below 1e-6."""
    gradients = gradients_of(network, x, y, loss, masks)
    assert gradients.keys() == parameters(network).keys()
    for name, exact in gradients.items():
        numerical = numerical_gradient(parameters(network)[name], lambda: loss_of(network, x, y, loss, masks))
        size = float(np.linalg.norm(exact) + np.linalg.norm(numerical))
        assert np.linalg.norm(exact - numerical) <= 1e-6 * max(size, 1e-3), name


@pytest.mark.parametrize(("hidden", "output", "name"), ACCEPTED)
def test_gradients_are_the_slopes_of_the_cost(hidden: str, output: str, name: str) -> None:
    """For every activation with every loss that fits it, each gradient is the slope of the cost."""
    assert_gradients_agree(*draw(hidden, output), LOSSES[name], [])


@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_gradients_with_dropout(hidden: str) -> None:
    """With masks of dropout in forward and backward, each gradient is the slope of the cost."""
    network, x, y = draw(hidden, "softmax")
    rng = np.random.default_rng(1)
    masks: list[Array | None] = [
        None if size == SIZES[1] else 2.0 * (rng.random((N, size)) < 0.7) for size in SIZES[:-1]
    ]
    assert_gradients_agree(network, x, y, LOSSES["cross_entropy"], masks)


def test_hand_worked_network() -> None:
    """Three inputs, one hidden neuron, one output: every number is the one computed by hand.

    x = [0.6, 0.4, 0.2], W0 = [0.5, -0.25, 1], b0 = 0.1, W1 = 0.4, b1 = 0.1, identity throughout:
    z0 = 0.3 - 0.1 + 0.2 + 0.1 = 0.5, y_hat = 0.2 + 0.1 = 0.3; with y = 1 the difference is 0.7 and
    the squared error 0.49. upstream = 2 (0.3 - 1) = -1.4; dW1 = -1.4 · 0.5 = -0.7; db1 = -1.4;
    delta0 = -1.4 · 0.4 = -0.56; dW0 = -0.56 x = [-0.336, -0.224, -0.112]; db0 = -0.56.
    """
    network = (
        Layer(np.array([[0.5], [-0.25], [1.0]]), np.array([0.1]), "identity"),
        Layer(np.array([[0.4]]), np.array([0.1]), "identity"),
    )
    x, y = np.array([[0.6, 0.4, 0.2]]), np.array([[1.0]])
    activity = forward(network, x)
    np.testing.assert_allclose(activity.z[0], [[0.5]])
    np.testing.assert_allclose(activity.a[-1], [[0.3]])
    assert difference(activity.a[-1], y) == pytest.approx(0.7)
    assert loss_of(network, x, y, LOSSES["sse"], []) == pytest.approx(0.49)
    gradients = gradients_of(network, x, y, LOSSES["sse"])
    np.testing.assert_allclose(gradients["W1"], [[-0.7]])
    np.testing.assert_allclose(gradients["b1"], [-1.4])
    np.testing.assert_allclose(gradients["W0"], [[-0.336], [-0.224], [-0.112]])
    np.testing.assert_allclose(gradients["b0"], [-0.56])


def test_a_step_against_the_gradient_lowers_the_cost() -> None:
    """A small step against the gradient lowers the cost."""
    network, x, y = draw("tanh", "softmax")
    loss = LOSSES["cross_entropy"]
    before = loss_of(network, x, y, loss, [])
    for name, gradient in gradients_of(network, x, y, loss).items():
        parameters(network)[name][...] -= 0.01 * gradient
    assert loss_of(network, x, y, loss, []) < before


def test_the_gradient_is_of_the_mean() -> None:
    """A batch's gradient is the mean of its examples' gradients."""
    network, x, y = draw("sigmoid", "softmax")
    loss = LOSSES["cross_entropy"]
    whole = gradients_of(network, x, y, loss)
    alone = [gradients_of(network, x[i : i + 1], y[i : i + 1], loss) for i in range(N)]
    for name, gradient in whole.items():
        np.testing.assert_allclose(gradient, np.mean([g[name] for g in alone], axis=0))
