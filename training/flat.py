"""All parameters of a network in one vector, so that a step is a few passes over one array.

The network's own arrays become views of the vector: changing either changes both.
"""

import numpy as np

from models.activations import Array
from models.network import Network, Parameters, from_parameters, parameters


def flatten(network: Network) -> tuple[Array, Network]:
    """Copy the parameters into one vector; return it, and the network whose arrays are its parts.

    >>> from models.network import Layer
    >>> vector, (layer,) = flatten((Layer(np.zeros((2, 3)), np.ones(3), "relu"),))
    >>> vector[0] = 5
    >>> vector, layer.W[0, 0]
    (array([5., 0., 0., 0., 0., 0., 1., 1., 1.]), np.float64(5.0))
    """
    vector = np.concatenate([p.ravel() for p in parameters(network).values()])
    return vector, over(vector, network)


def parts(vector: Array, network: Network) -> Parameters:
    """Return views of the vector, named and shaped like the network's parameters."""
    named = parameters(network)
    ends = np.cumsum([p.size for p in named.values()])[:-1]
    pieces = np.split(vector, ends)
    return {name: piece.reshape(p.shape) for (name, p), piece in zip(named.items(), pieces, strict=True)}


def over(vector: Array, network: Network) -> Network:
    """Return a network of the same form whose parameters are parts of the vector."""
    return from_parameters(parts(vector, network), [layer.activation for layer in network])
