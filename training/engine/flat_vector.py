"""All parameters in one vector, so that a step is a few passes over one array.

The named arrays are views of the vector: to change either is to change both.
"""

import numpy as np

from models.activations import Array
from models.network import Parameters


def flatten(named: Parameters) -> tuple[Array, Parameters]:
    """Copy the parameters into one vector; return it, and its views by name.

    >>> vector, named = flatten({"W0": np.zeros((2, 3)), "b0": np.ones(3)})
    >>> vector[0] = 5
    >>> vector, named["W0"][0, 0]
    (array([5., 0., 0., 0., 0., 0., 1., 1., 1.]), np.float64(5.0))
    """
    vector = np.concatenate([p.ravel() for p in named.values()])
    return vector, views(vector, named)


def views(vector: Array, named: Parameters) -> Parameters:
    """Return views of the vector with the names and shapes of the parameters."""
    ends = np.cumsum([p.size for p in named.values()])[:-1]
    parts = np.split(vector, ends)
    return {name: part.reshape(p.shape) for (name, p), part in zip(named.items(), parts, strict=True)}
