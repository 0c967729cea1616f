"""Evaluation: what a finished network gets right, and whether it knows when it does not.

error        share of images whose likeliest digit is not the true one
ece          expected calibration error: over 15 bins with as many images each, ordered by
             confidence, the mean |share right - mean confidence|
coverage     share of images whose true digit is in the prediction set
abstention   share of images whose prediction set is not a single digit, or that it is not sure of
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.activations import Array
from models.decision import Decision, read
from models.network import CLASSES
from models.store import Model
from training.data import Examples, Labels

BINS = 15


@dataclass(frozen=True)
class Evaluation:
    """The figures above, and the confusion matrix (true digit, predicted digit) as counts."""

    error: float
    ece: float
    coverage: float
    abstention: float
    confusion: npt.NDArray[np.int_]

    @property
    def precision(self) -> npt.NDArray[np.floating]:
        """Of the images read as each digit, the share that are it (10,)."""
        return _share(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def recall(self) -> npt.NDArray[np.floating]:
        """Of the images of each digit, the share that are read as it (10,)."""
        return _share(self.confusion.diagonal(), self.confusion.sum(axis=1))


def evaluate(model: Model, examples: Examples) -> Evaluation:
    """Measure a model on examples that chose nothing about it."""
    p, sets, abstained = decisions(model, examples)
    labels, digits = examples.labels, p.argmax(axis=1)
    confusion = np.bincount(CLASSES * labels.astype(int) + digits, minlength=CLASSES**2)
    return Evaluation(
        error=float((digits != labels).mean()),
        ece=expected_calibration_error(p, labels),
        coverage=float(sets[np.arange(len(labels)), labels].mean()),
        abstention=float(abstained.mean()),
        confusion=confusion.reshape(CLASSES, CLASSES),
    )


def decisions(model: Model, examples: Examples) -> Decision:
    """Return what the service would say of each image."""
    return read(model, examples.images)[1]


def expected_calibration_error(p: Array, labels: Labels, bins: int = BINS) -> float:
    """Return the calibration error of probabilities p (N, 10) over bins of equal mass.

    >>> p = np.tile([0.75, 0.25], (4, 1))
    >>> expected_calibration_error(p, np.array([0, 0, 0, 1], np.uint8), bins=1)
    0.0
    """
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    by_confidence = np.array_split(np.argsort(confidence, kind="stable"), bins)
    gaps = [len(b) * abs(right[b].mean() - confidence[b].mean()) for b in by_confidence if len(b)]
    return float(sum(gaps) / len(labels))


def _share(part: npt.NDArray[np.int_], whole: npt.NDArray[np.int_]) -> npt.NDArray[np.floating]:
    return np.divide(part, whole, out=np.full(CLASSES, np.nan), where=whole > 0)
