"""Schedules: the learning rate at the points where it can be worked out by hand."""

import pytest

from training.schedules import SCHEDULES, learning_rate_at


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.2, 0.2, 0.2, 0.2, 0.2]),
        ("step", [0.2, 0.2, 0.02, 0.002, 0.002]),
        # cos(π/4) = 0.70711, cos(π/2) = 0, cos(3π/4) = -0.70711
        ("cosine", [0.2, 0.170711, 0.1, 0.029289, 0.0]),
    ],
)
def test_values_by_hand(schedule: str, expected: list[float]) -> None:
    """From η = 0.2, the rates at the start, quarters, middle and end of 100 steps are those by hand."""
    found = [learning_rate_at(step, 100, 0.2, schedule) for step in (0, 25, 50, 75, 100)]
    assert found == pytest.approx(expected, abs=1e-6)


def test_step_falls_at_its_points_and_not_before() -> None:
    """The last step of the first half still has the full η."""
    assert learning_rate_at(49, 100, 1.0, "step") == 1.0
    assert learning_rate_at(74, 100, 1.0, "step") == pytest.approx(0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_schedule_ever_rises(schedule: str) -> None:
    """Without warm-up the learning rate never grows, starts at η and stays above 0 for every step."""
    rates = [learning_rate_at(step, 200, 0.3, schedule) for step in range(200)]
    assert rates[0] == 0.3
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_warm_up_rises_evenly_to_the_full_rate() -> None:
    """Over 4 warm-up steps the rate is 1/4, 2/4, 3/4 and 4/4 of η; then it stays."""
    rates = [learning_rate_at(step, 10, 0.4, "constant", warmup_steps=4) for step in range(6)]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_warm_up_multiplies_the_schedule() -> None:
    """The warm-up multiplies the cosine: by half in its middle, by 1 from its end on."""
    plain = [learning_rate_at(step, 50, 0.1, "cosine") for step in (4, 9, 30)]
    warmed = [learning_rate_at(step, 50, 0.1, "cosine", warmup_steps=10) for step in (4, 9, 30)]
    assert warmed == pytest.approx([plain[0] / 2, plain[1], plain[2]])
