"""Calibration: temperature and thresholds follow their equations, and give the required coverage."""

import numpy as np
import pytest

from models.activations import Array, softmax
from models.decision import evidence
from training.data.mnist import Labels, targets
from training.evaluation.calibration import evidence_threshold, set_threshold, temperature

# So many independent images leave no doubt.
EXACTLY = 10**9


def draw(n: int, rng: np.random.Generator) -> tuple[Array, Labels]:
    """Return logits (n, 10), and labels drawn with the probabilities of these logits."""
    logits = rng.normal(0, 2, (n, 10))
    cumulated = softmax(logits).cumsum(axis=1)
    labels = (cumulated < rng.random((n, 1))).sum(axis=1).clip(max=9)
    return logits, labels.astype(np.uint8)


@pytest.mark.parametrize("scale", [0.2, 1.0, 4.0])
def test_temperature_recovers_a_known_scaling(scale: float) -> None:
    """The temperature of calibrated logits that were multiplied by a factor is this factor."""
    logits, labels = draw(20_000, np.random.default_rng(1))
    assert temperature(scale * logits, labels, EXACTLY) == pytest.approx(scale, rel=0.03)


def test_at_the_temperature_confidence_is_accuracy() -> None:
    """At the temperature found, mean confidence equals accuracy, to four digits."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 10, 500).astype(np.uint8)
    logits = rng.normal(0, 3, (500, 10)) + 4 * targets(labels)
    p = softmax(logits / temperature(logits, labels, EXACTLY))
    assert p.max(axis=1).mean() == pytest.approx((p.argmax(axis=1) == labels).mean(), abs=1e-4)


def test_calibrated_logits_are_left_as_they_are() -> None:
    """Calibrated logits have temperature 1; confidence of scaled ones is a standard error off accuracy."""
    logits, labels = draw(5000, np.random.default_rng(3))
    assert temperature(logits, labels, 5000) == 1.0
    accuracy = (logits.argmax(axis=1) == labels).mean()
    standard_error = np.sqrt(accuracy * (1 - accuracy) / 5000)
    for scale, side in ((2.0, 1), (0.5, -1)):
        p = softmax(scale * logits / temperature(scale * logits, labels, 5000))
        assert p.max(axis=1).mean() == pytest.approx(accuracy + side * standard_error, abs=1e-4)


def test_a_few_wrong_labels_lower_confidence_little() -> None:
    """If one label in a hundred is wrong, confidence falls by one hundredth, and not more."""
    labels = (np.arange(500) % 10).astype(np.uint8)
    logits = 15 * targets(labels)
    labels[:5] = (labels[:5] + 1) % 10
    p = softmax(logits / temperature(logits, labels, EXACTLY))
    np.testing.assert_allclose(p.max(axis=1), 0.99, atol=1e-3)


def test_temperature_stays_in_its_bounds() -> None:
    """If no temperature is low or high enough, the result is 1/20 or 20."""
    labels = np.arange(10, dtype=np.uint8)
    always_right, always_wrong = targets(labels), targets(9 - labels)
    assert temperature(always_right, labels, EXACTLY) == pytest.approx(1 / 20, rel=1e-3)
    assert temperature(always_wrong, labels, EXACTLY) == pytest.approx(20, rel=1e-3)


def test_threshold_by_hand() -> None:
    """Of five images with alpha = 0.4, the floor(0.4 · 6) = 2nd smallest probability is the threshold."""
    p_true = np.array([0.9, 0.3, 0.6, 0.5, 0.8])
    logits = np.log(np.stack([p_true, 1 - p_true], axis=1))
    labels = np.zeros(5, np.uint8)
    assert set_threshold(logits, labels, temperature=1.0, alpha=0.4) == pytest.approx(0.5)


def test_threshold_divides_by_the_temperature() -> None:
    """The threshold is a probability after division by the temperature, as the decision compares it."""
    logits, labels = draw(300, np.random.default_rng(3))
    cooled = set_threshold(logits, labels, temperature=2.0, alpha=0.1)
    assert cooled == set_threshold(logits / 2, labels, temperature=1.0, alpha=0.1)


def test_too_few_images_give_sets_of_every_digit() -> None:
    """With fewer than 1 / alpha - 1 images the threshold is 0, so that every digit is in the set."""
    logits, labels = draw(98, np.random.default_rng(4))
    assert set_threshold(logits, labels, temperature=1.0, alpha=0.01) == 0.0
    logits, labels = draw(99, np.random.default_rng(4))
    assert set_threshold(logits, labels, temperature=1.0, alpha=0.01) > 0.0


def test_coverage_on_fresh_draws() -> None:
    """The true digit of new images is in the set with probability 1 - alpha or slightly more.

    Over all draws the expected coverage lies from 1 - alpha to 1 - alpha + 1 / (n + 1).
    """
    rng, alpha, n = np.random.default_rng(5), 0.1, 149
    coverages = []
    for _ in range(300):
        logits, labels = draw(n, rng)
        threshold = set_threshold(logits, labels, temperature=1.0, alpha=alpha)
        fresh, digits = draw(500, rng)
        coverages.append((softmax(fresh)[np.arange(500), digits] >= threshold).mean())
    noise = 3 * np.std(coverages) / np.sqrt(len(coverages))
    assert 1 - alpha - noise <= np.mean(coverages) <= 1 - alpha + 1 / (n + 1) + noise


def test_the_share_abstained_is_kept_to() -> None:
    """Sets without exactly one digit and too little evidence together abstain on the given share."""
    logits, labels = draw(2000, np.random.default_rng(6))
    least = set_threshold(logits, labels, temperature=1.0, alpha=0.4)
    single = (softmax(logits) >= least).sum(axis=1) == 1
    for share in (0.5, 0.7):
        assert (~single).mean() < share
        threshold = evidence_threshold(logits, 1.0, least, share)
        assert (~single | (evidence(logits) < threshold)).mean() == pytest.approx(share, abs=0.001)
    below = evidence_threshold(logits, 1.0, least, share=0.0)
    assert (evidence(logits[single]) >= below).all()
    assert evidence_threshold(np.zeros((5, 10)), 1.0, 0.05) == 0.0
