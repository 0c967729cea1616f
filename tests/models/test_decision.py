"""Deciding: sets, evidence, and when to abstain."""

import numpy as np
import pytest

from models.decision import decide, evidence

THRESHOLDS = {"temperature": 1.0, "set_threshold": 0.2, "evidence_threshold": 1.0}


@pytest.mark.parametrize(
    ("p", "members", "abstained"),
    [
        ([0.9, 0.05, 0.05], [0], False),
        ([0.6, 0.19, 0.19], [0], True),
        ([0.79, 0.21, 0.0], [0, 1], True),
        ([0.2001, 0.4, 0.4], [0, 1, 2], True),
        ([0.1] * 10, [], True),
    ],
)
def test_when_it_abstains(p: list[float], members: list[int], abstained: bool) -> None:  # noqa: FBT001 - a table
    """A single digit with enough evidence is answered; otherwise, with several or none, it abstains."""
    _, sets, refused = decide(np.log(np.array([p]) + 1e-9), THRESHOLDS)
    assert np.flatnonzero(sets[0]).tolist() == members
    assert bool(refused[0]) is abstained


def test_the_temperature_is_in_the_probabilities() -> None:
    """Probabilities depend on the temperature, evidence on the logits alone."""
    z = np.array([[2.0, 0.0, -2.0]])
    p = decide(z, THRESHOLDS | {"temperature": 2.0}).p
    np.testing.assert_allclose(p[0], np.exp([1, 0, -1]) / np.exp([1, 0, -1]).sum())
    np.testing.assert_allclose(evidence(z), 2.0)
    np.testing.assert_allclose(evidence(z + 100), 2.0)
