"""Optimizers: steps by hand, memory, averages."""

import numpy as np
import pytest

from training.optimizers import (
    OPTIMIZERS,
    Adam,
    GradientDescent,
    Momentum,
    Optimizer,
    WeightAverage,
    decay_weights,
)

G = {"W0": np.array([[2.0]])}


def test_two_steps_by_hand() -> None:
    """From p = 1 with g = 2, η = 0.1 and momentum 0.5, two steps of each optimizer are those by hand."""
    expected: dict[Optimizer, list[float]] = {
        GradientDescent(): [0.8, 0.6],
        Momentum(0.5): [0.8, 0.5],  # v = 2, 3
        Momentum(0.5, nesterov=True): [0.7, 0.35],  # g + v / 2 = 3, 3.5
        Adam(): [0.9, 0.8],  # a constant gradient: steps of η, whatever its size
    }
    for optimizer, values in expected.items():
        p = {"W0": np.array([[1.0]])}
        for value in values:
            optimizer.step(p, G, 0.1)
            assert p["W0"].item() == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_finds_the_bottom(name: str) -> None:
    """Every optimizer finds the minimum of p², in place and in float32."""
    p = np.array([1.0, -2.0], np.float32)
    optimizer = OPTIMIZERS[name](0.9)
    for _ in range(400):
        optimizer.step({"W0": p}, {"W0": 2 * p}, 0.02)
    assert p.dtype == np.float32
    assert np.abs(p).max() < 0.01


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_can_be_restored(name: str) -> None:
    """An optimizer with the state of another takes the same next step, bit for bit."""
    rng = np.random.default_rng(0)
    gradients = [{"W0": rng.normal(size=3).astype(np.float32)} for _ in range(4)]
    first, second = OPTIMIZERS[name](0.9), OPTIMIZERS[name](0.9)
    p = {"W0": np.zeros(3, np.float32)}
    for gradient in gradients[:3]:
        first.step(p, gradient, 0.1)
    second.state = {key: value.copy() for key, value in first.state.items()}
    q = {"W0": p["W0"].copy()}
    first.step(p, gradients[3], 0.1)
    second.step(q, gradients[3], 0.1)
    np.testing.assert_array_equal(p["W0"], q["W0"])


def test_weight_decay_shrinks_weights_alone() -> None:
    """Weight decay multiplies W by 1 - η · decay, and does not change biases and slopes."""
    p = {"W0": np.array([1.0]), "b0": np.array([1.0]), "slope0": np.array([1.0])}
    decay_weights(p, 0.1, 0.5)
    assert [value.item() for value in p.values()] == [0.95, 1, 1]


def test_average_follows_the_weights() -> None:
    """The average starts at the weights, follows them quickly at first, and then by its decay."""
    average = WeightAverage(0.9)
    p = {"W0": np.array([0.0])}
    assert average.averaged(p) == p
    for _ in range(WeightAverage.EVERY):
        average.update(p)
    p["W0"] += 1
    values = []
    for _ in range(20 * WeightAverage.EVERY):
        average.update(p)
        values.append(average.averaged(p)["W0"].item())
    assert values[WeightAverage.EVERY - 1] == pytest.approx(1 - 3 / 12)
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1, abs=1e-6)
