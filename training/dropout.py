"""Dropout: in training, set each neuron's activation to 0 with probability `rate`.

No neuron can then rely on one particular other. For activations a (N, size):

    mask = (u >= rate) / (1 - rate),  u ~ U[0, 1)          a * mask has the mean of a

The division makes this 'inverted' dropout: prediction uses all neurons and needs no correction. Source:
Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout", 2014.
"""

from collections.abc import Sequence

import numpy as np

from models.activations import Array


def dropout_masks(
    rates: Sequence[float], sizes: Sequence[int], n: int, rng: np.random.Generator
) -> list[Array | None]:
    """Draw one mask (n, size) float32 for each rate above 0; None stands for a rate of 0.

    rates[0] is for the inputs, rates[1] for the activations of the first hidden layer, and so on.

    >>> _, mask = dropout_masks([0, 0.5], [784, 4], 1, np.random.default_rng(1))
    >>> mask
    array([[0., 2., 2., 2.]], dtype=float32)
    """
    return [
        (rng.random((n, size), dtype=np.float32) >= rate) * np.float32(1 / (1 - rate)) if rate > 0 else None
        for rate, size in zip(rates, sizes, strict=False)
    ]
