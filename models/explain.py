"""Relevance: which pixels raised the logit of a digit, and which lowered it; gradient × input.

For inputs x (N, fan_in) and a digit k for each row, from the logit z_k of the last layer back to x:

    delta     = 1 at k, 0 elsewhere      d z_k / d z      of the last layer
    upstream  = delta @ W.T              d z_k / d a      of the layer before
    delta     = upstream * f'(z)         d z_k / d z      of the layer before, and so on down to
    gradient  = delta @ W.T              d z_k / d x      with the first layer's W
    relevance = gradient * x             the part of z_k that each input adds, to first order

The relevance of a black pixel (x = 0) is 0. If every activation is linear on each side of 0, as relu is, z_k
is exactly the sum of the relevance and of the part that the biases add.
Source: Shrikumar, Greenside, Shcherbina, Kundaje, "Not Just a Black Box", 2016.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.activations import Array, activate_backward
from models.network import Activity, Network


def logit_gradient(
    network: Network, z: Sequence[Array], digits: Sequence[int] | npt.NDArray[np.integer]
) -> Array:
    """Return d z_k / d x (N, fan_in), from the weighted sums z of forward() and a digit k for each row (N,).

    >>> from models.network import Layer, forward
    >>> hidden = Layer(np.array([[1.0], [2.0]]), np.zeros(1), "relu")
    >>> layers = hidden, Layer(np.array([[3.0]]), np.zeros(1), "identity")
    >>> logit_gradient(layers, forward(layers, np.array([[1.0, 1.0], [-1.0, 0.0]])).z, [0, 0])
    array([[3., 6.],
           [0., 0.]])
    """
    delta = np.zeros_like(z[-1])
    delta[np.arange(len(delta)), digits] = 1
    for index in reversed(range(1, len(network))):
        before = network[index - 1]
        delta = activate_backward(before.activation, z[index - 1], delta @ network[index].W.T, before.slope)
    return delta @ network[0].W.T


def relevance(network: Network, activity: Activity, digits: Sequence[int] | npt.NDArray[np.integer]) -> Array:
    """Return gradient * x (N, fan_in): the part that each input adds to the logit of its row's digit."""
    return logit_gradient(network, activity.z, digits) * activity.a[0]
