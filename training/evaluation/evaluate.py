"""Evaluation: how often a finished network is right, and whether it knows when it is not.

error        share of images whose most probable digit is not the true one
ece          expected calibration error: the images, ordered by confidence, are divided into 15 bins of
             equal size; the mean over the bins of |share of right answers - mean confidence|
coverage     share of images whose true digit is in the prediction set
abstention   share of images on which the model abstains (models/decision.py)
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.activations import Array
from models.decision import Decision, read
from models.network import CLASSES
from models.store import Model
from training.data.mnist import Examples, Labels

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
        """The share of the images read as each digit that are this digit (10,)."""
        return _share(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def recall(self) -> npt.NDArray[np.floating]:
        """The share of the images of each digit that are read as this digit (10,)."""
        return _share(self.confusion.diagonal(), self.confusion.sum(axis=1))


def evaluate(model: Model, examples: Examples) -> Evaluation:
    """Measure a model on examples that were not used to train or to choose it."""
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
    """Return the decision on each image, the same as the service's."""
    return read(model, examples.images)[1]


def expected_calibration_error(p: Array, labels: Labels, bins: int = BINS) -> float:
    """Return the expected calibration error of probabilities p (N, 10), over bins of equal size.

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
