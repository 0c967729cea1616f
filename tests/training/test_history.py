"""Measuring: cost and error of a network whose answers are known."""

import numpy as np
import pytest

from models.network import Layer
from training.data.mnist import Examples
from training.history import Epoch, Measure, best_epoch, measure, stops_early
from training.losses import LOSSES


def test_cost_and_error_by_hand() -> None:
    """A network that answers 3 with probability 1/2: the cost is log 2 for a 3, more for the others.

    There are more images than in one chunk, so that the means of the chunks must be combined rightly.
    """
    b = np.zeros(10, np.float32)
    b[3] = np.log(9)
    network = (Layer(np.zeros((784, 10), np.float32), b, "softmax"),)
    examples = Examples(np.zeros((250, 28, 28), np.uint8), np.repeat([3, 4], [200, 50]).astype(np.uint8))
    measured = measure(network, examples, LOSSES["cross_entropy"])
    assert measured.error == 50 / 250
    assert measured.cost == pytest.approx((200 * np.log(2) + 50 * np.log(18)) / 250)


def test_early_stopping_waits_for_its_patience() -> None:
    """It stops when the best epoch, the first of equal ones, was `patience` epochs ago, and not before."""
    history = [Epoch(Measure(0, 0), Measure(cost, 0)) for cost in (2.0, 1.0, 1.0, 3.0)]
    assert best_epoch(history) == 1
    assert [stops_early(history[:n], 2) for n in range(5)] == [False, False, False, False, True]
    assert not stops_early(history, 3)
    assert not stops_early(history, 0)
