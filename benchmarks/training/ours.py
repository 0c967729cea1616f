"""The project's own training as a person starts it: training.fit.fit, with the clock in its callbacks.

A run ends by an exception from after_step, and the next run continues the same training: fit promises
that this is safe. What is measured at an epoch's end is not timed, for the others measure nothing; the
epoch's shuffle is.
"""

import time

import numpy as np

from benchmarks.training.contestants import (
    BATCH,
    LEARNING_RATES,
    MEASURED,
    MOMENTUM,
    SIZES,
    WARM_UP,
    Contestant,
)
from training.data.mnist import Examples, Split
from training.fit import Step, fit
from training.history import Epoch, measure
from training.recipe import Recipe
from training.state import Training, start

# More than any run needs; with a constant schedule the number has no other part.
EPOCHS = 1_000_000


class Enough(Exception):  # noqa: N818 - the run's end, not an error
    """All steps of the run are taken."""


class Clock:
    """Adds up the seconds of steps, less the warm-up, and ends the run after the last."""

    def __init__(self, steps: int) -> None:
        """Count down to the first step that is timed, then to the last."""
        self.untimed, self.left, self.seconds = WARM_UP, steps, 0.0
        self.since = time.perf_counter()

    def after_step(self, _: Step) -> None:
        """Add the step that ended; raise Enough after the last."""
        now = time.perf_counter()
        if self.untimed:
            self.untimed -= 1
        else:
            self.seconds += now - self.since
            self.left -= 1
        if not self.left:
            raise Enough
        self.since = time.perf_counter()

    def after_epoch(self, _: Epoch) -> None:
        """Leave out what was measured since the epoch's last step."""
        self.since = time.perf_counter()


def enter_fit(optimizer: str, examples: Examples) -> Contestant:
    """Start a training."""
    recipe = Recipe(
        hidden=SIZES[1:-1],
        optimizer=optimizer,
        momentum=MOMENTUM,
        batch_size=BATCH,
        epochs=EPOCHS,
        learning_rate=LEARNING_RATES[optimizer],
        schedule="constant",
        warmup_epochs=0.0,
        average_decay=0.0,
        deform=False,
    )
    training = start(recipe)
    few = Examples(*(array[:BATCH] for array in examples))
    split = Split(train=examples, validation=few, test=few)
    return Contestant(
        f"NumPy {np.__version__}",
        lambda steps: _run(training, split, steps),
        lambda: measure(training.network, _measured(examples), recipe.output_loss).cost,
    )


def _run(training: Training, split: Split, steps: int) -> float:
    clock = Clock(steps)
    try:
        fit(training, split, clock.after_step, clock.after_epoch)
    except Enough:
        return clock.seconds
    message = f"the training ended {clock.left} steps too early"
    raise RuntimeError(message)


def _measured(examples: Examples) -> Examples:
    return Examples(*(array[:MEASURED] for array in examples))
