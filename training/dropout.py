"""Dropout: while training, silence each neuron with probability `rate`, so that none is relied upon.

    mask = (u >= rate) / (1 - rate),  u ~ U[0, 1)          a * mask has the mean of a

The division makes it 'inverted': nothing is left to do at prediction. Source: Srivastava, Hinton,
Krizhevsky, Sutskever, Salakhutdinov, "Dropout", 2014.
"""

from collections.abc import Sequence

import numpy as np

from models.activations import Array


def masks(
    rates: Sequence[float], sizes: Sequence[int], n: int, rng: np.random.Generator
) -> list[Array | None]:
    """Draw one mask (n, size) float32 for each rate above 0, None for the others.

    rates[0] drops inputs, rates[1] the first hidden layer's activations, and so on.

    >>> _, mask = masks([0, 0.5], [784, 4], 1, np.random.default_rng(1))
    >>> mask
    array([[0., 2., 2., 2.]], dtype=float32)
    """
    return [
        (rng.random((n, size), dtype=np.float32) >= rate) * np.float32(1 / (1 - rate)) if rate > 0 else None
        for rate, size in zip(rates, sizes, strict=False)
    ]
