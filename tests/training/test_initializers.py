"""Initial parameters: their spread, their shapes and their names."""

import numpy as np
import pytest

from models.network import forward
from training.initializers import BIASES, WEIGHTS, initialise


@pytest.mark.parametrize(
    ("name", "variance"), [("uniform", 1 / 3), ("xavier", 2 / (400 + 600)), ("he", 2 / 400)]
)
def test_variance_as_the_formula_says(name: str, variance: float) -> None:
    """The weights (400, 600) have mean 0 and the variance of their formula, to 2 %."""
    W = WEIGHTS[name](400, 600, np.random.default_rng(1))
    assert W.shape == (400, 600)
    assert W.mean() == pytest.approx(0, abs=4 * np.sqrt(variance / W.size))
    assert W.var() == pytest.approx(variance, rel=0.02)


def test_bounds_of_the_uniform_ones() -> None:
    """The range of uniform is ±1, of xavier ±sqrt(6 / (fan_in + fan_out)); that of he has no bound."""
    rng = np.random.default_rng(1)
    assert np.abs(WEIGHTS["uniform"](400, 600, rng)).max() == pytest.approx(1, abs=0.001)
    r = np.sqrt(6 / 1000)
    assert np.abs(WEIGHTS["xavier"](400, 600, rng)).max() == pytest.approx(r, rel=0.001)
    assert np.abs(WEIGHTS["he"](400, 600, rng)).max() > 4 * np.sqrt(2 / 400)


@pytest.mark.parametrize(("weights", "activation"), [("he", "relu"), ("xavier", "tanh")])
def test_the_signal_neither_dies_nor_explodes(weights: str, activation: str) -> None:
    """Through ten wide layers the size of the activations changes by less than a factor of 4."""
    network = initialise([256] * 11, [activation] * 10, np.random.default_rng(1), weights=weights)
    x = 0.3 * np.random.default_rng(2).standard_normal((200, 256), np.float32)
    a = forward(network, x).a
    assert 1 / 4 < np.sqrt((a[-1] ** 2).mean() / (a[1] ** 2).mean()) < 4


def test_uniform_weights_saturate_wide_layers() -> None:
    """Weights from [-1, 1] saturate most tanh neurons of a wide layer; xavier saturates few."""
    x = np.random.default_rng(2).standard_normal((200, 784), np.float32)
    for weights, saturated in (("uniform", True), ("xavier", False)):
        network = initialise([784, 256], ["tanh"], np.random.default_rng(1), weights=weights)
        assert ((np.abs(forward(network, x).a[-1]) > 0.99).mean() > 0.5) == saturated


def test_biases() -> None:
    """Biases of zero are all 0; those of uniform have the variance of [-1, 1], and no value outside."""
    rng = np.random.default_rng(1)
    assert not BIASES["zero"](1000, rng).any()
    b = BIASES["uniform"](10_000, rng)
    assert (b.shape, b.var()) == ((10_000,), pytest.approx(1 / 3, rel=0.05))
    assert np.abs(b).max() <= 1


def test_names() -> None:
    """The names that recipes may use, and no others."""
    assert list(WEIGHTS) == ["uniform", "xavier", "he"]
    assert list(BIASES) == ["zero", "uniform"]
    with pytest.raises(KeyError, match="glorot"):
        initialise([4, 2], ["relu"], np.random.default_rng(1), weights="glorot")


def test_shapes_types_and_activations() -> None:
    """Each layer fits the one before, in float32 unless another type is asked for."""
    sizes, activations = [784, 30, 20, 10], ["relu", "tanh", "softmax"]
    network = initialise(sizes, activations, np.random.default_rng(1), biases="uniform")
    assert [layer.W.shape for layer in network] == [(784, 30), (30, 20), (20, 10)]
    assert [layer.b.shape for layer in network] == [(30,), (20,), (10,)]
    assert [layer.activation for layer in network] == activations
    assert {array.dtype for layer in network for array in (layer.W, layer.b)} == {np.dtype(np.float32)}
    double = initialise([4, 2], ["relu"], np.random.default_rng(1), dtype=np.float64)
    assert double[0].W.dtype == np.float64


def test_prelu_alone_has_a_slope() -> None:
    """A prelu layer starts with a slope of 0.25 for every neuron; other activations have none."""
    first, last = initialise([784, 30, 10], ["prelu", "softmax"], np.random.default_rng(1))
    assert first.slope is not None
    assert first.slope.tolist() == [0.25] * 30
    assert last.slope is None


def test_the_same_seed_gives_the_same_network() -> None:
    """All random numbers come from rng, and no two neurons start with the same weights."""
    first, second, other = (
        initialise([784, 30], ["relu"], np.random.default_rng(seed))[0].W for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert len(np.unique(first, axis=1).T) == 30
