"""Checkpoints: a training under way, in one .npz, so that it can go on after anything.

Arrays are stored by name (weights.W0, optimizer.velocity.all, average.all, best.W0, …), and all else as
JSON in `about`. Saving is atomic: a process killed in the middle leaves the checkpoint before.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from models.activations import Array
from models.store import atomic_write
from training.fit import Epoch, Measure, Training
from training.optimizers import OPTIMIZERS, WeightAverage
from training.reader import Reader, all_parameters, reader_from
from training.recipe import Recipe


class CheckpointError(ValueError):
    """A checkpoint that can't be continued; the message names the file and why."""


def save(path: Path, training: Training) -> None:
    """Write the training to path, whole or not at all."""
    arrays = (
        _prefixed("weights", all_parameters(training.reader))
        | _prefixed("optimizer", training.optimizer.state)
        | _prefixed("average", training.average.state)
        | _prefixed("best", training.best)
    )
    about = {
        "recipe": asdict(training.recipe),
        "epoch": training.epoch,
        "batch": training.batch,
        "history": training.history,
    }
    contents: dict[str, Any] = {"about": np.array(json.dumps(about)), **arrays}
    atomic_write(path, lambda file: np.savez(file, allow_pickle=False, **contents))


def load(path: Path) -> Training:
    """Read the training back from path.

    Raises CheckpointError when there is none, or it is not whole.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(str(arrays["about"]))
        return _restore(about, arrays)
    except FileNotFoundError:
        message = f"{path}: there is no checkpoint to resume"
        raise CheckpointError(message) from None
    except Exception as error:  # damage anywhere makes the zip reader raise almost anything
        message = f"{path}: not a checkpoint of this program: {error}"
        raise CheckpointError(message) from error


def load_finished(path: Path) -> Reader:
    """Read what a finished training came to, to teach others.

    Raises CheckpointError as `load` does, and for a training that is still under way.
    """
    training = load(path)
    if not training.finished:
        message = (
            f"{path}: this teacher is after epoch {training.epoch} of {training.recipe.epochs}: "
            f"`python -m training teach --resume --out={path}` goes on"
        )
        raise CheckpointError(message)
    return training.result


def _restore(about: dict[str, Any], arrays: Mapping[str, Array]) -> Training:
    # JSON knows no tuples.
    choices: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in about["recipe"].items()
    }
    recipe = Recipe(**choices)
    reader = reader_from(_without(arrays, "weights"), recipe.activations)
    optimizer, average = OPTIMIZERS[recipe.optimizer](recipe.momentum), WeightAverage(recipe.average_decay)
    optimizer.state, average.state = _without(arrays, "optimizer"), _without(arrays, "average")
    history = [Epoch(Measure(*train), Measure(*validation)) for train, validation in about["history"]]
    best = _without(arrays, "best")
    return Training(recipe, reader, optimizer, average, about["epoch"], about["batch"], history, best)


def _prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def _without(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    start = len(prefix) + 1
    return {name[start:]: array for name, array in arrays.items() if name.startswith(prefix + ".")}
