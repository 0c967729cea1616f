"""The shared start: the first layer begins as a convolution, and ends as a layer like any other.

A stroke looks the same wherever it is in the image. A plain layer does not know this: each of its neurons
has its own weight for every pixel, and must learn what a stroke looks like by itself. A convolution applies
the same small window of weights, called a map, at every place of the image. So the first layer is built as a
convolution, and is trained as one in the first epochs. After these, each weight is trained by itself. The
result is a plain layer, the only kind that the service runs, but it makes fewer errors than one that began
at random.

The windows of 7 × 7 pixels stand at 8 × 8 places, 3 pixels apart. There are `maps` neurons at each place, and
all 64 neurons of a map share the weights K and the bias c. As a plain layer (784, 64 · maps):

    W[pixel(place, tap), neuron(place, map)] = K[tap, map]        K (49, maps); 0 elsewhere
    b[neuron(place, map)]                    = c[map]             c (maps,)

The gradient with respect to a shared weight is the sum of the gradients with respect to all its copies. If
every copy gets this sum as its gradient, every copy takes the same step, whatever the optimizer, and they
stay equal.
Source: d'Ascoli, Sagun, Biroli, Bruna, "Finding the Needle in the Haystack with Convolutions", 2019.
"""

from dataclasses import replace

import numpy as np

from models.network import Network, Parameters
from training.initializers import he

SIDE = 28
WINDOW, STRIDE = 7, 3
PLACES = ((SIDE - WINDOW) // STRIDE + 1) ** 2


def _pixels() -> "np.ndarray[tuple[int, int], np.dtype[np.intp]]":
    """Return the pixels (places, taps) of each place's window."""
    pixels = np.arange(SIDE**2).reshape(SIDE, SIDE)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (WINDOW, WINDOW))[::STRIDE, ::STRIDE]
    return windows.reshape(PLACES, WINDOW**2)


PIXELS_OF_PLACE = _pixels()


def shared_start(network: Network, rng: np.random.Generator) -> Network:
    """Return the network with a first layer (784, 64 · maps) that is a convolution: K drawn by `he`, c 0."""
    first = network[0]
    W, b = np.zeros_like(first.W), np.zeros_like(first.b)
    maps = first.b.size // PLACES
    W[_copies(maps)] = he(WINDOW**2, maps, rng).astype(W.dtype)
    return (replace(first, W=W, b=b), *network[1:])


def share_gradients(gradients: Parameters) -> None:
    """Replace each gradient of the first layer, in place, by the sum over all copies of its weight.

    The gradient of a weight outside the windows becomes 0.

    >>> gradients = {"W0": np.ones((784, 64)), "b0": np.ones(64)}
    >>> share_gradients(gradients)
    >>> gradients["W0"][[0, 1, 7], 0], gradients["b0"][5]
    (array([64., 64.,  0.]), np.float64(64.0))
    """
    dW, db = gradients["W0"], gradients["b0"]
    maps = db.size // PLACES
    copies = _copies(maps)
    dK = dW[copies].sum(axis=0)
    dW[...] = 0
    dW[copies] = dK
    db.reshape(PLACES, maps)[:] = db.reshape(PLACES, maps).sum(axis=0)


def _copies(maps: int) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], ...]:
    """Return the indices in W of the copies (places, taps, maps) of K."""
    neurons = np.arange(PLACES * maps).reshape(PLACES, 1, maps)
    return PIXELS_OF_PLACE[:, :, None], neurons
