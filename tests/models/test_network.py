"""The network as data, and the forward pass."""

import numpy as np
import pytest

from models.network import (
    Layer,
    forward,
    from_parameters,
    layer_sizes,
    parameters,
    predict,
    predict_proba,
)


def layer(fan_in: int, fan_out: int, activation: str = "relu", seed: int = 0) -> Layer:
    """Make a layer of seeded normals."""
    rng = np.random.default_rng(seed)
    slope = rng.normal(size=fan_out) if activation == "prelu" else None
    return Layer(rng.normal(size=(fan_in, fan_out)), rng.normal(size=fan_out), activation, slope)


def test_forward_is_the_weighted_sum_and_the_activation() -> None:
    """Each z is a @ W + b of the activations before it, and each a is f(z)."""
    network = (layer(3, 4), layer(4, 2, "tanh", seed=1))
    x = np.random.default_rng(2).normal(size=(5, 3))
    z, a = forward(network, x)
    np.testing.assert_array_equal(a[0], x)
    for index, part in enumerate(network):
        for row in range(5):
            by_hand = sum(a[index][row, i] * part.W[i] for i in range(part.W.shape[0])) + part.b
            np.testing.assert_allclose(z[index][row], by_hand)
    np.testing.assert_allclose(a[2], np.tanh(z[1]))


def test_masks_silence_activations() -> None:
    """A mask multiplies the activations that it belongs to, the inputs first."""
    network = (layer(3, 4), layer(4, 2))
    x = np.ones((1, 3))
    mask = np.array([[2.0, 0.0, 2.0, 0.0]])
    plain, dropped = forward(network, x), forward(network, x, [None, mask])
    np.testing.assert_allclose(dropped.a[1], plain.a[1] * mask)
    np.testing.assert_array_equal(forward(network, x, [np.zeros((1, 3))]).z[0][0], network[0].b)


def test_parameters_and_back() -> None:
    """A network built from its own parameters is the same, including the slopes of prelu."""
    network = (layer(3, 4, "prelu"), layer(4, 2, "softmax"))
    again = from_parameters(parameters(network), ["prelu", "softmax"])
    x = np.ones((2, 3))
    np.testing.assert_array_equal(forward(again, x).a[-1], forward(network, x).a[-1])
    assert layer_sizes(again) == [3, 4, 2]


def test_parameters_are_the_networks_own_arrays() -> None:
    """An optimizer that changes parameters() in place changes the network."""
    network = (layer(3, 2),)
    parameters(network)["b0"] += 1
    np.testing.assert_array_equal(parameters(network)["b0"], network[0].b)


def test_predictions_are_the_likeliest_class() -> None:
    """Probabilities sum to 1, agree with predict, and a temperature changes no winner."""
    network = (layer(3, 10, "softmax"),)
    x = np.random.default_rng(3).normal(size=(7, 3))
    p = predict_proba(network, x)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    for temperature in (0.5, 1, 4):
        winners = predict_proba(network, x, temperature).argmax(axis=1)
        np.testing.assert_array_equal(winners, predict(network, x))
    assert predict_proba(network, x, 4).max() < p.max()


def test_only_softmax_gives_probabilities() -> None:
    """A network with another output activation predicts classes, and refuses to give probabilities."""
    network = (layer(3, 10, "tanh"),)
    assert predict(network, np.ones((2, 3))).shape == (2,)
    with pytest.raises(ValueError, match="only softmax"):
        predict_proba(network, np.ones((2, 3)))


@pytest.mark.parametrize(
    ("W", "b", "activation", "slope", "words"),
    [
        ((3, 2), (3,), "relu", None, "b has shape"),
        ((3, 2), (2,), "swish", None, "unknown activation 'swish'"),
        ((3, 2), (2,), "prelu", None, "prelu needs one"),
        ((3, 2), (2,), "relu", (2,), "belongs to prelu"),
        ((3, 2), (2,), "prelu", (3,), "slope has shape"),
        ((3,), (2,), "relu", None, "does not fit W"),
    ],
)
def test_layers_that_are_none(
    W: tuple[int, ...], b: tuple[int, ...], activation: str, slope: tuple[int, ...] | None, words: str
) -> None:
    """Arrays that do not fit together are refused, with the reason."""
    with pytest.raises(ValueError, match=words):
        Layer(np.zeros(W), np.zeros(b), activation, None if slope is None else np.zeros(slope))


def test_layers_that_do_not_follow_each_other() -> None:
    """A layer whose number of inputs differs from the outputs of the last one is refused."""
    named = parameters((layer(3, 4),)) | {"W1": np.zeros((5, 2)), "b1": np.zeros(2)}
    with pytest.raises(ValueError, match="W1 takes 5 inputs, but layer 1 gets 4"):
        from_parameters(named, ["relu", "softmax"])
