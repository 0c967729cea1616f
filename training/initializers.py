"""Initializers: the values of the parameters before the first step.

    uniform   W ~ U[-1, 1]                                      saturates wide layers
    xavier    W ~ U[-r, r], r = sqrt(6 / (fan_in + fan_out))    keeps the variance through tanh and sigmoid
    he        W ~ N(0, 2 / fan_in)                              keeps it through ReLU, which halves it

fan_in is the number of a layer's inputs, fan_out that of its neurons. Sources: Glorot, Bengio,
"Understanding the difficulty of training deep feedforward neural networks", 2010, equation 16; He et al.,
"Delving Deep into Rectifiers", 2015, equation 10, and prelu's first slope of 0.25.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from models.activations import Array
from models.network import Layer, Network

FIRST_PRELU_SLOPE = 0.25


def uniform(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw W (fan_in, fan_out) from the uniform distribution on [-1, 1]."""
    return rng.uniform(-1, 1, (fan_in, fan_out))


def xavier(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw W (fan_in, fan_out) from the uniform distribution of variance 2 / (fan_in + fan_out)."""
    r = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-r, r, (fan_in, fan_out))


def he(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw W (fan_in, fan_out) from the normal distribution of variance 2 / fan_in."""
    return rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))


def zero_bias(fan_out: int, rng: np.random.Generator) -> Array:  # noqa: ARG001 - both have the same signature
    """Set every bias (fan_out,) to 0: random weights are enough to make the neurons differ."""
    return np.zeros(fan_out)


def uniform_bias(fan_out: int, rng: np.random.Generator) -> Array:
    """Draw each bias (fan_out,) from the uniform distribution on [-1, 1]."""
    return rng.uniform(-1, 1, fan_out)


WEIGHTS: dict[str, Callable[[int, int, np.random.Generator], Array]] = {
    "uniform": uniform,
    "xavier": xavier,
    "he": he,
}
BIASES: dict[str, Callable[[int, np.random.Generator], Array]] = {
    "zero": zero_bias,
    "uniform": uniform_bias,
}


def initialise(  # noqa: PLR0913 - each is a choice of the recipe
    sizes: Sequence[int],
    activations: Sequence[str],
    rng: np.random.Generator,
    *,
    weights: str = "he",
    biases: str = "zero",
    dtype: type[np.floating] = np.float32,
) -> Network:
    """Make a network from the number of inputs, the sizes of its layers, and one activation for each layer.

    >>> network = initialise([784, 32, 10], ["relu", "softmax"], np.random.default_rng(0))
    >>> [layer.W.shape for layer in network]
    [(784, 32), (32, 10)]
    """
    return tuple(
        Layer(
            WEIGHTS[weights](fan_in, fan_out, rng).astype(dtype),
            BIASES[biases](fan_out, rng).astype(dtype),
            activation,
            np.full(fan_out, FIRST_PRELU_SLOPE, dtype) if activation == "prelu" else None,
        )
        for (fan_in, fan_out), activation in zip(pairwise(sizes), activations, strict=True)
    )
