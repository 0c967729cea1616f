"""A multi-layer perceptron: its parameters as plain arrays, and the forward pass.

Batch first, row vectors. With x of shape (N, fan_in), a[0] = x, and for each layer

    z = a @ W + b        W (fan_in, fan_out), b (fan_out,), z (N, fan_out): the weighted sums
    a = f(z)             the activations, which are the inputs of the next layer

A network is a tuple of layers, and has no methods: the functions below work on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.activations import ACTIVATIONS, Array, activate, softmax

CLASSES = 10
PIXELS = 28 * 28
# A W of this many numbers does not fit the first-level cache; this few images do not use all rows of W.
LARGE = 2**16
FEW = 32


@dataclass(frozen=True, eq=False)
class Layer:
    """The parameters of a layer: W (fan_in, fan_out), b (fan_out,), and for prelu slope (fan_out,).

    Raises ValueError when the shapes do not fit together.
    """

    W: Array
    b: Array
    activation: str
    slope: Array | None = None

    def __post_init__(self) -> None:
        """Check the activation and the shapes."""
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"unknown activation {self.activation!r}: choose from {', '.join(ACTIVATIONS)}")
        if (self.slope is not None) != (self.activation == "prelu"):
            raise ValueError("a slope belongs to prelu, and prelu needs one")
        fan_out = self.W.shape[1] if self.W.ndim == 2 else None
        for name, array in (("b", self.b), ("slope", self.slope)):
            if array is not None and array.shape != (fan_out,):
                raise ValueError(
                    f"{name} has shape {array.shape}, which does not fit W of shape {self.W.shape}"
                )


Network = tuple[Layer, ...]
Parameters = dict[str, Array]


class Activity(NamedTuple):
    """The results of a forward pass: z and a of every layer; a[0] is the input."""

    z: list[Array]
    a: list[Array]


def forward(network: Network, x: Array, masks: Sequence[Array | None] = ()) -> Activity:
    """Run x (N, fan_in) through the network and return every weighted sum and activation.

    masks are those of dropout, one for each a, or None where nothing is dropped; prediction has none.

    >>> layer = Layer(np.array([[1.0], [2.0]]), np.array([0.5]), "relu")
    >>> activity = forward((layer,), np.array([[1.0, 1.0], [0.0, -1.0]]))
    >>> activity.z[0].ravel(), activity.a[-1].shape
    (array([ 3.5, -1.5]), (2, 1))
    """
    a = [_masked(x, masks, 0)]
    z: list[Array] = []
    for index, layer in enumerate(network):
        z.append(_product(a[-1], layer.W))
        z[-1] += layer.b
        a.append(_masked(activate(layer.activation, z[-1], layer.slope), masks, index + 1))
    return Activity(z, a)


def _product(a: Array, W: Array) -> Array:
    """Return a @ W; for few images and a large W, skip the rows of W that are multiplied by 0 alone.

    With few images, most of the time goes into reading W from memory. Four fifths of the pixels of a digit
    are black, and about as many activations of a hidden layer are 0.
    """
    if len(a) > FEW or W.size < LARGE:
        return a @ W
    used = np.flatnonzero(a if len(a) == 1 else a.any(axis=0))
    return a.take(used, axis=1) @ W.take(used, axis=0)


def _masked(a: Array, masks: Sequence[Array | None], index: int) -> Array:
    mask = masks[index] if index < len(masks) else None
    return a if mask is None else a * mask


def predict_proba(network: Network, x: Array, temperature: float = 1.0) -> Array:
    """Return probabilities (N, classes) for x (N, fan_in): softmax(z / temperature) of the last layer's z.

    A temperature above 1 lowers the confidence and does not change the most probable class (Guo et al., "On
    Calibration of Modern Neural Networks", 2017). Raises ValueError if the last activation is not softmax.
    """
    if network[-1].activation != "softmax":
        raise ValueError(f"the output is {network[-1].activation}: only softmax gives probabilities")
    return softmax(forward(network, x).z[-1] / temperature)


def predict(network: Network, x: Array) -> npt.NDArray[np.intp]:
    """Return the class (N,) with the largest output for each row of x, whatever the last activation."""
    return forward(network, x).a[-1].argmax(axis=1)


def parameters(network: Network) -> Parameters:
    """Return the arrays of the network, not copies, by name: W0, b0, W1, b1, … and slope0, ….

    >>> layer = Layer(np.zeros((2, 1)), np.zeros(1), "prelu", slope=np.zeros(1))
    >>> list(parameters((layer,)))
    ['W0', 'b0', 'slope0']
    """
    named: Parameters = {}
    for index, layer in enumerate(network):
        named |= {f"W{index}": layer.W, f"b{index}": layer.b}
        if layer.slope is not None:
            named[f"slope{index}"] = layer.slope
    return named


def from_parameters(named: Parameters, activations: Sequence[str]) -> Network:
    """Build the network whose parameters() are `named`, with one activation for each layer.

    Raises KeyError for a missing array, and ValueError for arrays that do not fit together.
    """
    network = tuple(
        Layer(named[f"W{i}"], named[f"b{i}"], activation, named.get(f"slope{i}"))
        for i, activation in enumerate(activations)
    )
    sizes = layer_sizes(network)
    for index, layer in enumerate(network):
        if layer.W.shape[0] != sizes[index]:
            raise ValueError(
                f"W{index} takes {layer.W.shape[0]} inputs, but layer {index} gets {sizes[index]}"
            )
    return network


def layer_sizes(network: Network) -> list[int]:
    """Return the number of inputs, then the number of neurons of each layer: [784, 512, 256, 10]."""
    return [network[0].W.shape[0], *(layer.W.shape[1] for layer in network)]
