"""The state of a training: its arrays, its end, and the network that it keeps."""

import numpy as np

from models.network import forward, parameters
from training.history import Epoch, Measure
from training.recipe import Recipe
from training.state import start

RECIPE = Recipe(hidden=(8,), epochs=3, average_decay=0.5)


def epoch(cost: float) -> Epoch:
    """Return an epoch that ended with that cost."""
    return Epoch(Measure(cost, 0.1), Measure(cost, 0.1))


def test_without_patience_the_last_epoch_counts() -> None:
    """Patience 0 never stops early, whatever the history; the training is finished after its last epoch."""
    training = start(RECIPE)
    for cost in (1.0, 2.0, 3.0):
        assert not training.finished
        training.end_epoch(epoch(cost))
    assert training.finished


def test_with_patience_the_best_epoch_is_kept() -> None:
    """With a patience of 1 the training stops after one worse epoch, and gives the weights of the best."""
    training = start(Recipe(hidden=(8,), patience=1, average_decay=0))
    training.end_epoch(epoch(1.0))
    best = training.network[0].W.copy()
    training.flat_parameters["all"] += 1
    assert not training.finished
    training.end_epoch(epoch(2.0))
    assert training.finished
    np.testing.assert_array_equal(training.result[0].W, best)
    np.testing.assert_array_equal(training.network[0].W, best + 1)


def test_vector_and_network_are_the_same_numbers() -> None:
    """A change of the one vector changes the network; gradients have the names and shapes of parameters."""
    training = start(RECIPE)
    training.flat_parameters["all"][...] = 0
    assert not forward(training.network, np.ones((1, 784), np.float32)).z[-1].any()
    shapes = {name: p.shape for name, p in parameters(training.network).items()}
    assert {name: gradient.shape for name, gradient in training.gradients.items()} == shapes
