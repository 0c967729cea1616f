"""Learning-rate schedules: the factor of the learning rate η at a point of the training.

With s = step / steps, from 0 at the start to 1 at the end:

    constant   1
    step       0.1 from s = 1/2, 0.01 from s = 3/4
    cosine     (1 + cos(π s)) / 2
    warm-up    multiplies each of them by (step + 1) / warmup_steps while step < warmup_steps

Source of cosine: Loshchilov, Hutter, "SGDR", 2016, equation 5 without restarts.
"""

import math
from collections.abc import Callable


def constant(s: float) -> float:  # noqa: ARG001 - all schedules have the same signature
    """Return 1: η stays the same."""
    return 1.0


def step_decay(s: float) -> float:
    """Return 1, then 0.1 from half of the training on, then 0.01 from three quarters on."""
    return 1.0 if s < 1 / 2 else 0.1 if s < 3 / 4 else 0.01


def cosine(s: float) -> float:
    """Return half a period of a cosine, from 1 to 0: η falls slowly, then fast, then slowly."""
    return (1 + math.cos(math.pi * s)) / 2


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "step": step_decay,
    "cosine": cosine,
}


def learning_rate_at(
    step: int, steps: int, learning_rate: float, schedule: str, warmup_steps: int = 0
) -> float:
    """Return the learning rate of step 0, 1, … of `steps` steps.

    >>> [learning_rate_at(step, 4, 0.1, "constant", warmup_steps=2) for step in range(4)]
    [0.05, 0.1, 0.1, 0.1]
    """
    warmup = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    return learning_rate * SCHEDULES[schedule](step / steps) * warmup
