"""Convolution and pooling, against sums written out, and against numerical gradients."""

from itertools import count

import numpy as np
import pytest

from models.activations import Array
from training.backprop import backward
from training.convolution import FIRST_SIDE, Filters, draw_filters, features, look
from training.initializers import initialise
from training.losses import LOSSES, cost
from training.reader import Reader, Reading, all_parameters, read, read_backward, reader_from

MAPS = [2, 3, 2, 3]
EPSILON = 1e-6
LOSS = LOSSES["cross_entropy"]


def draw(maps: list[int], seed: int) -> tuple[Reader, Array, Array]:
    """Draw a reader with biases, and two images with their targets, float64."""
    rng = np.random.default_rng(seed)
    filters = [
        Filters(layer.K, rng.uniform(-0.1, 0.1, layer.c.shape), layer.side)
        for layer in draw_filters(maps, rng, np.float64)
    ]
    sizes = [features(maps), 5, 10]
    network = initialise(sizes, ["relu", "softmax"], rng, biases="uniform", dtype=np.float64)
    return Reader(tuple(filters), network), rng.random((2, 784)), np.eye(10)[[3, 7]]


def margins(reading: Reading) -> Array:
    """Return how far each maximum was from another outcome: of pooling, of ReLU."""
    found = [np.abs(z).ravel() for z in reading.activity.z[:-1]]
    for sight in reading.seen:
        found.append(np.abs(sight.m).ravel())
        if sight.m is not sight.z:
            n, h, w, maps = sight.z.shape
            four = sight.z.reshape(n, h // 2, 2, w // 2, 2, maps).transpose(0, 1, 3, 5, 2, 4)
            largest = np.sort(four.reshape(-1, 4), axis=1)
            found.append(largest[:, 3] - largest[:, 2])
    return np.concatenate(found)


def away_from_kinks(maps: list[int]) -> tuple[Reader, Array, Array]:
    """Draw until no maximum is close to another outcome."""
    for seed in count():
        reader, x, y = draw(maps, seed)
        if margins(read(reader, x)).min() > 10 * EPSILON:
            return reader, x, y
    raise AssertionError


def test_a_convolution_is_the_sum_over_each_places_surroundings() -> None:
    """Each place of each map: its 5 × 5 surroundings times K, plus c; then the largest of four; then ReLU."""
    rng = np.random.default_rng(0)
    (layer,) = draw_filters([2], rng, np.float64)
    x = rng.random((2, 784))
    z = np.array(
        [
            [
                [(image[r : r + 5, c : c + 5].ravel() @ layer.K) for c in range(28 - FIRST_SIDE + 1)]
                for r in range(28 - FIRST_SIDE + 1)
            ]
            for image in x.reshape(2, 28, 28)
        ]
    )
    (seen,) = look([layer], x)
    np.testing.assert_allclose(seen.z, z)
    np.testing.assert_allclose(seen.a[1, 3, 4], np.maximum(0, z[1, 6:8, 8:10].max(axis=(0, 1))))


def test_later_layers_see_every_map() -> None:
    """A second layer's place: its 3 × 3 surroundings in all maps of the first, in K's order."""
    rng = np.random.default_rng(0)
    layers = draw_filters([2, 3], rng, np.float64)
    first, second = look(layers, rng.random((1, 784)))
    np.testing.assert_allclose(second.z[0, 4, 7], first.a[0, 4:7, 7:10].ravel() @ layers[1].K)


@pytest.mark.parametrize("maps", [MAPS[:number] for number in range(5)])
def test_gradients_are_the_slopes_of_the_cost(maps: list[int]) -> None:
    """With no layer of filters to four, for every parameter: relative error below 1e-6."""
    reader, x, y = away_from_kinks(maps)
    exact = {name: np.empty_like(p) for name, p in all_parameters(reader).items()}
    read_backward(reader, read(reader, x), y, LOSS, [], out=exact)
    for name, parameter in all_parameters(reader).items():
        numerical = np.zeros_like(parameter)
        # Of large arrays, entries spread all over.
        for index in range(0, parameter.size, max(1, parameter.size // 60)):
            at = np.unravel_index(index, parameter.shape)
            numerical[at] = slope(reader, x, y, parameter, at)
            assert abs(numerical[at] - exact[name][at]) < 1e-6 * max(1, np.abs(exact[name]).max()), name


def slope(reader: Reader, x: Array, y: Array, parameter: Array, at: tuple[np.intp, ...]) -> float:
    """Return the central difference of the cost by one entry of a parameter."""
    kept, costs = parameter[at], []
    for step in (EPSILON, -EPSILON):
        parameter[at] = kept + step
        costs.append(cost(LOSS.function(read(reader, x).activity.z[-1], y)))
    parameter[at] = kept
    return (costs[0] - costs[1]) / (2 * EPSILON)


def test_equals_share_what_the_pool_hears() -> None:
    """On an even image all four places are the largest; what they get adds up to what was heard."""
    reader, _, y = draw([2], 0)
    x = np.full((2, 784), 0.5)
    reading = read(reader, x)
    gradients = {name: np.empty_like(p) for name, p in all_parameters(reader).items()}
    read_backward(reader, reading, y, LOSS, [], out=gradients)
    d_x = np.empty_like(reading.activity.a[0])
    backward(reader.network, reading.activity, y, LOSS, d_x=d_x)
    heard = (d_x.reshape(-1, 2) * (reading.seen[0].m.reshape(-1, 2) > 0)).sum(axis=0)
    np.testing.assert_allclose(gradients["c0"], heard)


def test_without_filters_it_is_the_network_alone() -> None:
    """A reader without filters hands its images to the network as they are."""
    reader, x, _ = draw([], 0)
    assert read(reader, x).activity.a[0] is x
    assert list(all_parameters(reader)) == ["W0", "b0", "W1", "b1"]


def test_parameters_make_the_reader_again() -> None:
    """Taken apart by name and put together, a reader gives the same outputs."""
    reader, x, _ = draw(MAPS, 0)
    again = reader_from(all_parameters(reader), ["relu", "softmax"])
    np.testing.assert_array_equal(read(again, x).activity.a[-1], read(reader, x).activity.a[-1])


def test_five_layers_are_refused() -> None:
    """After four layers there is one place left; a fifth has nothing to see."""
    assert [features([1] * number) for number in range(5)] == [784, 144, 25, 9, 1]
    with pytest.raises(ValueError, match="at most 4 layers, not 5"):
        features([1] * 5)
