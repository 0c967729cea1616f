"""Convolution: the same few weights at every place of an image, for teachers; what ships has none.

Images have the shape (N, height, width, channels). With a[0] = x, and for each layer of filters

    patches = the side · side surroundings of each place of a, a row each      (N · h · w, side² · channels)
    z       = patches @ K + c        K (side² · channels, maps), c (maps,), z (N, h, w, maps)
    m       = max over 2 × 2 of z    where h and w are even and above 3; else m = z
    a       = max(0, m)              the next layer's image

No border is added: h = height - side + 1. The first layer's side is 5, the others' 3. So 28 × 28 pixels
become 12 × 12, 5 × 5, 3 × 3 and 1 × 1. The last layer's a, place after place, is what the network gets.

Backward, with upstream = d cost / d a, from the last layer to the first:

    d m       = upstream * (m > 0)
    d z       = d m at the places that were the largest of their four, shared among equals
    dK        = patches.T @ d z
    dc        = sum of d z over the batch and all places
    d patches = d z @ K.T
    upstream  = each place's sum of d patches over the patches that it is part of

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from models.activations import Array
from models.network import PIXELS, Parameters
from training.initializers import he

SIDE = 28
FIRST_SIDE, SIDES = 5, 3
FOUR = tuple((row, column) for row in (0, 1) for column in (0, 1))


class Filters(NamedTuple):
    """One layer: the weights K (side² · channels, maps) of each map, and its bias c (maps,)."""

    K: Array
    c: Array
    side: int


class Sight(NamedTuple):
    """What one layer computed: its patches, z before and m after pooling, and a."""

    patches: Array
    z: Array
    m: Array
    a: Array


def draw_filters(
    maps: Sequence[int], rng: np.random.Generator, dtype: type[np.floating] = np.float32
) -> tuple[Filters, ...]:
    """Start layers with so many maps each: weights as He et al. draw them, biases 0.

    >>> [f.K.shape for f in draw_filters([8, 16], np.random.default_rng(0))]
    [(25, 8), (72, 16)]
    """
    layers, channels = [], 1
    for index, count in enumerate(maps):
        fan_in = _side(index) ** 2 * channels
        layers.append(Filters(he(fan_in, count, rng).astype(dtype), np.zeros(count, dtype), _side(index)))
        channels = count
    return tuple(layers)


def features(maps: Sequence[int]) -> int:
    """Return how many numbers layers with so many maps make of an image; without any, its pixels.

    Raises ValueError for more layers than 28 × 28 pixels have room for.

    >>> features([32, 64, 128]), features([])
    (1152, 784)
    """
    side = SIDE
    for index in range(len(maps)):
        side -= _side(index) - 1
        side //= 2 if _pools(side) else 1
    if side < 1:
        message = f"maps must be of at most 4 layers, not {len(maps)}: no pixel would be left"
        raise ValueError(message)
    return side**2 * maps[-1] if maps else PIXELS


def look(filters: Sequence[Filters], x: Array) -> list[Sight]:
    """Run images x (N, 784) through the layers and return what each computed."""
    a = x.reshape(-1, SIDE, SIDE, 1)
    seen = []
    for layer in filters:
        patches, (h, w) = _patches(a, layer.side)
        z = patches @ layer.K
        z += layer.c
        z = z.reshape(len(x), h, w, -1)
        m = _largest(z) if _pools(h) else z
        a = np.maximum(m, 0)
        seen.append(Sight(patches, z, m, a))
    return seen


def look_backward(
    filters: Sequence[Filters], seen: Sequence[Sight], upstream: Array, out: Parameters
) -> None:
    """Write d cost / d K and d cost / d c of every layer into `out`, from d cost / d features (N, F)."""
    upstream = upstream.reshape(seen[-1].a.shape)
    for index, (layer, sight) in reversed(list(enumerate(zip(filters, seen, strict=True)))):
        d_m = upstream * (sight.m > 0)
        d_z = _to_the_largest(sight, d_m) if sight.m is not sight.z else d_m
        d_z = d_z.reshape(-1, d_z.shape[-1])
        np.matmul(sight.patches.T, d_z, out=out[f"K{index}"])
        np.sum(d_z, axis=0, out=out[f"c{index}"])
        if index > 0:
            upstream = _onto_places(d_z @ layer.K.T, seen[index - 1].a.shape, layer.side)


def filter_parameters(filters: Sequence[Filters]) -> Parameters:
    """Return the layers' own arrays by name: K0, c0, K1 and so on."""
    return {
        name: p for i, layer in enumerate(filters) for name, p in ((f"K{i}", layer.K), (f"c{i}", layer.c))
    }


def filters_from(named: Parameters) -> tuple[Filters, ...]:
    """Make the layers whose filter_parameters() are among `named`."""
    count = sum(name.startswith("K") for name in named)
    return tuple(Filters(named[f"K{i}"], named[f"c{i}"], _side(i)) for i in range(count))


def _side(index: int) -> int:
    return SIDES if index else FIRST_SIDE


def _pools(side: int) -> bool:
    return side > SIDES and side % 2 == 0


def _patches(a: Array, side: int) -> tuple[Array, tuple[int, int]]:
    """Copy each place's surroundings into a row: row by row, pixel by pixel, channel by channel."""
    n, h, w, channels = a.shape
    # Neighbours along a row lie one after the other, channels and all: so a row of a patch is one run.
    runs = sliding_window_view(a.reshape(n, h, w * channels), side * channels, axis=2)[:, :, ::channels]
    whole = sliding_window_view(runs, side, axis=1).transpose(0, 1, 2, 4, 3)
    h, w = whole.shape[1:3]
    return whole.reshape(n * h * w, -1), (h, w)


def _onto_places(d_patches: Array, shape: tuple[int, ...], side: int) -> Array:
    """Add up, for each place of an image of that shape, what the patches say of it."""
    n, height, width, channels = shape
    h, w = height - side + 1, width - side + 1
    parts = d_patches.reshape(n, h, w, side, side, channels)
    d_a = np.zeros(shape, d_patches.dtype)
    for row, column in np.ndindex(side, side):
        d_a[:, row : row + h, column : column + w] += parts[:, :, :, row, column]
    return d_a


def _quarters(z: Array) -> Iterator[Array]:
    """View z (N, h, w, maps) as its four members of every 2 × 2 places."""
    n, h, w, maps = z.shape
    squares = z.reshape(n, h // 2, 2, w // 2, 2, maps)
    return (squares[:, :, row, :, column] for row, column in FOUR)


def _largest(z: Array) -> Array:
    a, b, c, d = _quarters(z)
    return np.maximum(np.maximum(a, b), np.maximum(c, d))


def _to_the_largest(sight: Sight, d_m: Array) -> Array:
    """Give d m to the places that were the largest of their four; equals get equal parts."""
    winners = [quarter == sight.m for quarter in _quarters(sight.z)]
    d_m = d_m / np.sum(winners, axis=0, dtype=d_m.dtype)
    d_z = np.empty_like(sight.z)
    for quarter, won in zip(_quarters(d_z), winners, strict=True):
        np.multiply(d_m, won, out=quarter)
    return d_z
