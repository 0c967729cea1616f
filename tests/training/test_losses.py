"""Losses: values by hand, and what may train with what."""

import numpy as np
import pytest

from training.losses import (
    LOSSES,
    cost,
    cross_entropy,
    difference,
    hinge,
    loss_named,
    mae,
    mse,
    sse,
)

Y = np.array([[1.0, 0.0]])
Y_HAT = np.array([[0.3, -0.5]])


def test_values_by_hand() -> None:
    """Each loss of y = [1, 0] and y_hat = [0.3, -0.5] is the one computed by hand."""
    assert difference(Y_HAT, Y) == pytest.approx((0.7 + 0.5) / 2)
    assert mae(Y_HAT, Y) == pytest.approx((0.7 + 0.5) / 2)
    assert sse(Y_HAT, Y) == pytest.approx(0.49 + 0.25)
    assert mse(Y_HAT, Y) == pytest.approx(0.37)
    # Scores against ±1: 1 - 0.3 for the true class, 1 - 0.5 for the other.
    assert hinge(Y_HAT, Y) == pytest.approx(0.7 + 0.5)
    assert cross_entropy(Y_HAT, Y) == pytest.approx(-np.log(np.exp(0.3) / (np.exp(0.3) + np.exp(-0.5))))


def test_plain_difference_cancels_out() -> None:
    """Errors of +100 and -100 have a cost of 0: the reason why it can't train."""
    losses = difference(np.array([[-100.0], [100.0]]), np.zeros((2, 1)))
    np.testing.assert_array_equal(losses, [100, -100])
    assert cost(losses) == 0
    with pytest.raises(ValueError, match=r"\+100 and -100 average to 0"):
        loss_named("difference", "identity")


def test_cross_entropy_never_overflows() -> None:
    """Logits of any size give a finite loss, in float32 too."""
    z = np.array([[1e4, -1e4, 0]], np.float32)
    for target in np.eye(3, dtype=np.float32):
        assert np.isfinite(cross_entropy(z, target[None])).all()


def test_a_loss_is_refused_for_outputs_it_is_not_meant_for() -> None:
    """Cross-entropy needs softmax, the hinge loss scores; an unknown name is answered with the known ones."""
    with pytest.raises(ValueError, match="cross_entropy is meant for outputs softmax, not for 'tanh'"):
        loss_named("cross_entropy", "tanh")
    with pytest.raises(ValueError, match="hinge is meant for"):
        loss_named("hinge", "softmax")
    with pytest.raises(ValueError, match="choose from mae, sse, mse, hinge, cross_entropy"):
        loss_named("huber", "softmax")


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_per_example(name: str) -> None:
    """A batch gives one loss an example, the same as each alone; the cost is their mean."""
    rng = np.random.default_rng(0)
    y_hat, y = rng.normal(size=(5, 10)), np.eye(10)[:5]
    losses = LOSSES[name].function(y_hat, y)
    alone = [LOSSES[name].function(y_hat[i : i + 1], y[i : i + 1])[0] for i in range(5)]
    np.testing.assert_allclose(losses, alone)
    assert cost(losses) == pytest.approx(np.mean(alone))
