"""Sharing: a first layer that begins as a convolution and ends as a layer like any other.

Its neurons stand at 8 × 8 places, `maps` of them at each. At first each sees but the 7 × 7 window of its
place, and all neurons of a map have the same weights, K (49, maps):

    W[pixel(place, tap), neuron(place, map)] = K[tap, map]        0 elsewhere
    b[neuron(place, map)]                    = c[map]

The gradient by K is the sum of the gradients by all weights that are K's. A step that moves each of them by
this sum keeps them equal, whatever the optimizer. Later the weights go their own ways, all of them: what
ships is a plain layer. It generalises better for having begun as a convolution.
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
    """Let the first layer (784, 64 · maps) begin as a convolution: K as He et al. draw it, c 0."""
    first = network[0]
    W, b = np.zeros_like(first.W), np.zeros_like(first.b)
    maps = first.b.size // PLACES
    K = he(WINDOW**2, maps, rng).astype(W.dtype)
    W[_shared(maps)] = K
    return (replace(first, W=W, b=b), *network[1:])


def share(gradients: Parameters) -> None:
    """Put in place of each gradient of the first layer the sum over all that share its weight; 0 elsewhere.

    >>> gradients = {"W0": np.ones((784, 64)), "b0": np.ones(64)}
    >>> share(gradients)
    >>> gradients["W0"][[0, 1, 7], 0], gradients["b0"][5]
    (array([64., 64.,  0.]), np.float64(64.0))
    """
    d_W, d_b = gradients["W0"], gradients["b0"]
    maps = d_b.size // PLACES
    shared = _shared(maps)
    d_K = d_W[shared].sum(axis=0)
    d_W[...] = 0
    d_W[shared] = d_K
    d_b.reshape(PLACES, maps)[:] = d_b.reshape(PLACES, maps).sum(axis=0)


def _shared(maps: int) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], ...]:
    """Return where in W lie the weights (places, taps, maps)."""
    neurons = np.arange(PLACES * maps).reshape(PLACES, 1, maps)
    return PIXELS_OF_PLACE[:, :, None], neurons
