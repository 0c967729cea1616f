"""The history of a training: cost and error after each epoch, and the epoch with the best of them.

Both are measured on images without deformation and with all neurons, so that the two parts of an epoch,
training and validation, can be compared.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.activations import Array
from models.network import Network, forward
from models.preprocessing import preprocess
from training.data.mnist import NO_DIGIT, Examples, Labels, targets
from training.losses import Loss, cost

MEASURE_CHUNK = 100


class Measure(NamedTuple):
    """The cost, and the share of images read wrongly, over some examples."""

    cost: float
    error: float


class Epoch(NamedTuple):
    """What was measured at the end of an epoch, on training and on validation images."""

    train: Measure
    validation: Measure


def measure(network: Network, examples: Examples, loss: Loss) -> Measure:
    """Return the cost and the error of a network on examples; nothing is changed."""
    losses, wrong = [], 0
    for first in range(0, len(examples.labels), MEASURE_CHUNK):
        labels = examples.labels[first : first + MEASURE_CHUNK]
        activity = forward(network, preprocess(examples.images[first : first + MEASURE_CHUNK]))
        losses.append(loss.losses(activity, targets(labels)))
        wrong += int((activity.a[-1].argmax(axis=1) != labels).sum())
    return Measure(cost(np.concatenate(losses)), wrong / len(examples.labels))


def error(y_hat: Array, labels: Labels) -> float:
    """Return the share of digits that are read wrongly from outputs y_hat (N, 10); outliers do not count.

    >>> error(np.eye(10)[[7, 2, 1]], np.array([7, 3, NO_DIGIT], np.uint8))
    0.5
    """
    wrong = (y_hat.argmax(axis=1) != labels)[labels != NO_DIGIT]
    return float(wrong.mean()) if len(wrong) else 0.0


def best_epoch(history: Sequence[Epoch]) -> int:
    """Return the epoch with the lowest validation cost, counted from 0."""
    return int(np.argmin([epoch.validation.cost for epoch in history]))


def stops_early(history: Sequence[Epoch], patience: int) -> bool:
    """Return whether validation cost has not improved for `patience` epochs; 0 never stops.

    >>> measures = [Measure(cost, 0.1) for cost in (3.0, 1.0, 2.0, 2.0)]
    >>> history = [Epoch(m, m) for m in measures]
    >>> stops_early(history[:3], patience=2), stops_early(history, patience=2)
    (False, True)
    """
    return bool(patience and history) and len(history) - 1 - best_epoch(history) >= patience
