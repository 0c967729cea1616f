"""Relevance: the gradient of a logit by the pixels, times the pixels."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from models.activations import ELEMENTWISE, Array
from models.explain import logit_gradient, relevance
from models.network import Layer, Network, forward

STEP = 1e-6
ROWS, INPUTS = 4, 7


def layer(rng: np.random.Generator, shape: tuple[int, int], activation: str) -> Layer:
    """A layer in float64 with weights, biases and, if it must have them, slopes drawn at random."""
    slope = rng.uniform(0.1, 0.5, shape[1]) if activation == "prelu" else None
    return Layer(rng.normal(0, 1, shape), rng.normal(0, 1, shape[1]), activation, slope)


def network_of(rng: np.random.Generator, activation: str) -> Network:
    """Two hidden layers of that activation, then three logits."""
    shapes = ((INPUTS, 6), (6, 5), (5, 3))
    return tuple(layer(rng, s, a) for s, a in zip(shapes, (activation, activation, "softmax"), strict=True))


def differences(network: Network, x: Array, digits: npt.NDArray[np.integer]) -> Iterator[Array]:
    """Yield, for each input, the central difference of each row's logit."""
    rows = np.arange(len(x))
    for column in range(x.shape[1]):
        step = np.zeros_like(x)
        step[:, column] = STEP
        above, below = (forward(network, x + sign * step).z[-1][rows, digits] for sign in (1, -1))
        yield (above - below) / (2 * STEP)


@pytest.mark.parametrize("activation", [*ELEMENTWISE, "prelu", "softmax"])
def test_the_gradient_is_that_of_finite_differences(activation: str) -> None:
    """For each hidden activation, the gradient equals finite differences to 1e-6."""
    rng = np.random.default_rng(5)
    network, x = network_of(rng, activation), rng.normal(0, 1, (ROWS, INPUTS))
    digits = rng.integers(0, 3, ROWS)
    found = logit_gradient(network, forward(network, x).z, digits)
    assert found.shape == x.shape
    expected = np.stack(list(differences(network, x, digits)), axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_without_biases_relu_leaves_nothing_over() -> None:
    """With relu and without biases, relevance sums to the logit; that of an input of 0 is 0."""
    rng = np.random.default_rng(6)
    shapes = ((INPUTS, 6), (6, 3))
    network = tuple(
        Layer(rng.normal(0, 1, shape), np.zeros(shape[1]), activation)
        for shape, activation in zip(shapes, ("relu", "softmax"), strict=True)
    )
    x = rng.normal(0, 1, (ROWS, INPUTS)) * (rng.random((ROWS, INPUTS)) < 0.5)
    activity = forward(network, x)
    found = relevance(network, activity, [0, 1, 2, 0])
    np.testing.assert_allclose(found.sum(axis=1), activity.z[-1][np.arange(ROWS), [0, 1, 2, 0]])
    assert not found[x == 0].any()


def test_a_network_of_one_layer_is_its_own_explanation() -> None:
    """In a network of one layer, the gradient is the digit's column of W."""
    rng = np.random.default_rng(7)
    only = layer(rng, (INPUTS, 3), "softmax")
    found = logit_gradient((only,), forward((only,), rng.normal(0, 1, (1, INPUTS))).z, [2])
    np.testing.assert_array_equal(found[0], only.W[:, 2])
