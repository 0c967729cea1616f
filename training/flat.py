"""All parameters in one vector, so that a step is a few passes over one array.

The parts are views of the vector: changing either changes both.
"""

import numpy as np

from models.activations import Array
from models.network import Parameters


def flatten(named: Parameters) -> tuple[Array, Parameters]:
    """Copy the parameters into one vector; return it, and its parts by their names.

    >>> vector, parts = flatten({"W0": np.zeros((2, 3)), "b0": np.ones(3)})
    >>> vector[0] = 5
    >>> vector, parts["W0"][0, 0]
    (array([5., 0., 0., 0., 0., 0., 1., 1., 1.]), np.float64(5.0))
    """
    vector = np.concatenate([p.ravel() for p in named.values()])
    return vector, parts(vector, named)


def parts(vector: Array, named: Parameters) -> Parameters:
    """Return views of the vector, named and shaped like the parameters."""
    ends = np.cumsum([p.size for p in named.values()])[:-1]
    pieces = np.split(vector, ends)
    return {name: piece.reshape(p.shape) for (name, p), piece in zip(named.items(), pieces, strict=True)}
