"""A training with a progress bar, a checkpoint after each epoch, and Ctrl-C that loses nothing."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from training import checkpoint
from training.data.mnist import Split
from training.fit import Step, fit
from training.history import Epoch
from training.state import Training


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """Ctrl-C was pressed: the training stopped after a complete step, and its checkpoint is written."""


def fit_with_progress(training: Training, split: Split, kept: Path) -> None:
    """Train to the end with a progress bar, and save a checkpoint to `kept` after each epoch.

    Raises Stopped after Ctrl-C, once the checkpoint is written.
    """
    with _bar(training, split) as bar, _postponed_interrupt() as interrupted:

        def after_step(step: Step) -> None:
            bar.set_postfix(loss=f"{step.cost:.4f}", error=f"{step.error:.2%}", refresh=False)
            bar.update(step.images)
            if interrupted:
                checkpoint.save(kept, training)
                raise Stopped

        def after_epoch(epoch: Epoch) -> None:
            checkpoint.save(kept, training)
            bar.write(epoch_line(training.epoch, epoch), file=sys.stdout)

        fit(training, split, after_step, after_epoch)


def epoch_line(number: int, epoch: Epoch) -> str:
    """Return a line with the figures of an epoch.

    >>> from training.history import Measure
    >>> epoch_line(1, Epoch(Measure(0.1, 0.02), Measure(0.2, 0.03)))
    'epoch   1: training loss 0.1000 error 2.00%, validation loss 0.2000 error 3.00%'
    """
    return f"epoch {number:3}: " + ", ".join(
        f"{part} loss {measured.cost:.4f} error {measured.error:.2%}"
        for part, measured in zip(("training", "validation"), epoch, strict=True)
    )


def _bar(training: Training, split: Split) -> "tqdm[NoReturn]":
    digits = min(training.recipe.limit or len(split.train.labels), len(split.train.labels))
    images = digits + training.recipe.variety(digits).outliers
    done = training.epoch * images + training.batch * (training.recipe.batch_size or images)
    total = training.recipe.epochs * images
    return tqdm(total=total, initial=done, unit=" images", unit_scale=True)


@contextmanager
def _postponed_interrupt() -> Iterator[list[int]]:
    """Collect Ctrl-C in a list, instead of raising KeyboardInterrupt in the middle of a step."""
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
