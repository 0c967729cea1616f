"""Evaluation: each figure equals the one computed by hand."""

import numpy as np
import pytest

from models.network import Layer
from models.store import Model
from training.data.mnist import Examples
from training.evaluation.evaluate import decisions, evaluate, expected_calibration_error

# Six images, their true digits, and the probabilities of 0, 1 and 2. By hand, with sets from 0.25 on:
#
#     true   p(0)  p(1)  p(2)    read   confidence   right   |right - confidence|   set       holds it
#     0      0.90  0.08  0.02    0      0.90         yes     0.10                   {0}       yes
#     0      0.40  0.55  0.05    1      0.55         no      0.55                   {0, 1}    yes
#     1      0.15  0.80  0.05    1      0.80         yes     0.20                   {1}       yes
#     1      0.30  0.70  0.00    1      0.70         yes     0.30                   {0, 1}    yes
#     2      0.20  0.30  0.50    2      0.50         yes     0.50                   {1, 2}    yes
#     2      0.75  0.05  0.20    0      0.75         no      0.75                   {0}       no
TRUE = np.array([0, 0, 1, 1, 2, 2], np.uint8)
P = np.array(
    [
        [0.90, 0.08, 0.02],
        [0.40, 0.55, 0.05],
        [0.15, 0.80, 0.05],
        [0.30, 0.70, 0.00],
        [0.20, 0.30, 0.50],
        [0.75, 0.05, 0.20],
    ]
)


def giving(p: np.ndarray, set_threshold: float, temperature: float = 1.0) -> tuple[Model, np.ndarray]:
    """Return a model and images (N, 28, 28) for which it gives probabilities p (N, ≤ 10).

    Image i is black but for pixel i, so that its logits are row i of W: the logarithms of p.
    """
    W = np.full((784, 10), -100, np.float32)
    W[: len(p), : p.shape[1]] = np.log(np.maximum(p, 1e-30))
    images = np.zeros((len(p), 784), np.uint8)
    np.fill_diagonal(images, 255)
    network = (Layer(W, np.zeros(10, np.float32), "softmax"),)
    metadata = {"temperature": temperature, "set_threshold": set_threshold, "evidence_threshold": -1.0}
    return Model(network, metadata), images.reshape(-1, 28, 28)


def test_figures_by_hand() -> None:
    """Error, calibration error, coverage, abstention and confusion are those of the table above."""
    model, images = giving(P, set_threshold=0.25)
    evaluation = evaluate(model, Examples(images, TRUE))
    assert evaluation.error == pytest.approx(2 / 6)
    # Fewer images than bins: each has a bin of its own.
    assert evaluation.ece == pytest.approx((0.10 + 0.55 + 0.20 + 0.30 + 0.50 + 0.75) / 6)
    assert evaluation.coverage == pytest.approx(5 / 6)
    assert evaluation.abstention == pytest.approx(3 / 6)
    assert evaluation.confusion[:3, :3].tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert evaluation.confusion.sum() == 6


def test_precision_and_recall_by_hand() -> None:
    """Precision divides by the images read as a digit, recall by those of the digit; 0 images give NaN."""
    model, images = giving(P, set_threshold=0.25)
    evaluation = evaluate(model, Examples(images, TRUE))
    assert evaluation.precision[:3] == pytest.approx([1 / 2, 2 / 3, 1])
    assert evaluation.recall[:3] == pytest.approx([1 / 2, 1, 1 / 2])
    assert np.isnan([evaluation.precision[3:], evaluation.recall[3:]]).all()


def test_an_empty_set_abstains() -> None:
    """If no probability reaches the threshold, every set is empty: abstention is 1, coverage 0."""
    model, images = giving(P, set_threshold=0.95)
    evaluation = evaluate(model, Examples(images, TRUE))
    assert (evaluation.abstention, evaluation.coverage) == (1.0, 0.0)


def test_probabilities_take_the_temperature() -> None:
    """At temperature 2 the odds are the square roots of those at 1."""
    model, images = giving(np.array([[0.8, 0.2]]), set_threshold=0.5, temperature=2.0)
    p = decisions(model, Examples(images, np.zeros(1, np.uint8))).p
    assert p[0, 0] / p[0, 1] == pytest.approx(2.0, rel=1e-5)


def test_calibration_error_by_hand() -> None:
    """Two bins of two: confidence 0.6 with accuracy 0.5, and 0.9 with accuracy 1, are 0.1 on average.

    In a single bin the two differences cancel out.
    """
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9], [0.4, 0.6]])
    labels = np.array([0, 0, 1, 0], np.uint8)
    assert expected_calibration_error(p, labels, bins=2) == pytest.approx(0.1)
    assert expected_calibration_error(p, labels, bins=1) == pytest.approx(0.0)


def test_calibration_error_of_honest_and_overconfident_probabilities() -> None:
    """For labels drawn with their probabilities the error is only noise; overconfidence adds to it."""
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 1, 30_000)
    p = np.stack([confidence, 1 - confidence], axis=1)
    labels = (rng.random(30_000) > confidence).astype(np.uint8)
    overconfident = p**3 / (p**3).sum(axis=1, keepdims=True)
    assert expected_calibration_error(p, labels) < 0.01
    assert expected_calibration_error(overconfident, labels) > 0.1
