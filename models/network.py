"""A multi-layer perceptron: its parameters as plain arrays, and the forward pass.

Batch first, row vectors. With x of shape (N, fan_in), a[0] = x, and for each layer

    z = a @ W + b        W (fan_in, fan_out), b (fan_out,), z (N, fan_out): the weighted sums
    a = f(z)             the activations, which are the next layer's input

A network is data: a tuple of layers. Everything that is done with it is a function beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.activations import ACTIVATIONS, Array, activate, softmax

CLASSES = 10
PIXELS = 28 * 28
# Numbers in a matrix that a processor's first cache does not hold, and images that leave rows of it alone.
LARGE = 2**16
FEW = 32


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer's parameters: W (fan_in, fan_out), b (fan_out,), and for prelu slope (fan_out,).

    Raises ValueError when the shapes do not belong together.
    """

    W: Array
    b: Array
    activation: str
    slope: Array | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not make a layer."""
        if self.activation not in ACTIVATIONS:
            msg = f"unknown activation {self.activation!r}: choose from {', '.join(ACTIVATIONS)}"
            raise ValueError(msg)
        if (self.slope is not None) != (self.activation == "prelu"):
            msg = "a slope belongs to prelu, and prelu needs one"
            raise ValueError(msg)
        fan_out = self.W.shape[1] if self.W.ndim == 2 else None
        for name, array in (("b", self.b), ("slope", self.slope)):
            if array is not None and array.shape != (fan_out,):
                msg = f"{name} has shape {array.shape}, which does not fit W of shape {self.W.shape}"
                raise ValueError(msg)


Network = tuple[Layer, ...]
Parameters = dict[str, Array]


class Activity(NamedTuple):
    """What one forward pass computed: z and a of every layer, with a[0] the input itself."""

    z: list[Array]
    a: list[Array]


def forward(network: Network, x: Array, masks: Sequence[Array | None] = ()) -> Activity:
    """Run x (N, fan_in) through the network and return every weighted sum and activation.

    masks are dropout's, one for each a (None where nothing is dropped); prediction passes none.

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
    """Return a @ W; for few images, only the rows of a large W that are not just multiplied by 0 are fetched.

    Four fifths of a digit's pixels are black, and as many of the neurons behind them silent. With few images,
    fetching W takes most of the time.
    """
    if len(a) > FEW or W.size < LARGE:
        return a @ W
    heard = np.flatnonzero(a if len(a) == 1 else a.any(axis=0))
    return a.take(heard, axis=1) @ W.take(heard, axis=0)


def _masked(a: Array, masks: Sequence[Array | None], index: int) -> Array:
    mask = masks[index] if index < len(masks) else None
    return a if mask is None else a * mask


def predict_proba(network: Network, x: Array, temperature: float = 1.0) -> Array:
    """Return softmax(z / temperature) of the last layer's z for x (N, fan_in): (N, classes).

    temperature above 1 makes the network less sure of itself, without changing which class wins
    (Guo et al., "On Calibration of Modern Neural Networks", 2017).
    Raises ValueError for a network that does not end in softmax: its outputs are no probabilities.
    """
    if network[-1].activation != "softmax":
        msg = f"the output is {network[-1].activation}: only softmax gives probabilities"
        raise ValueError(msg)
    return softmax(forward(network, x).z[-1] / temperature)


def predict(network: Network, x: Array) -> npt.NDArray[np.intp]:
    """Return the class (N,) of the largest output for each row of x, whatever the output layer."""
    return forward(network, x).a[-1].argmax(axis=1)


def parameters(network: Network) -> Parameters:
    """Return the network's own arrays (not copies) by name: W0, b0, W1, b1, … and slope0, ….

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
    """Build the network whose parameters() are `named`, with one activation a layer.

    Raises KeyError for a missing array and ValueError for arrays that do not fit each other.
    """
    network = tuple(
        Layer(named[f"W{i}"], named[f"b{i}"], activation, named.get(f"slope{i}"))
        for i, activation in enumerate(activations)
    )
    sizes = layer_sizes(network)
    for index, layer in enumerate(network):
        if layer.W.shape[0] != sizes[index]:
            msg = f"W{index} takes {layer.W.shape[0]} inputs, but layer {index} gets {sizes[index]}"
            raise ValueError(msg)
    return network


def layer_sizes(network: Network) -> list[int]:
    """Return the number of inputs, then of neurons in each layer: [784, 512, 256, 10]."""
    return [network[0].W.shape[0], *(layer.W.shape[1] for layer in network)]
