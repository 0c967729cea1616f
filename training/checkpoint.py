"""Checkpoints: a training under way, saved in one .npz, so that it can be continued.

Arrays are stored by name (weights.W0, optimizer.velocity.all, average.all, best.W0, …), and everything else
as JSON in `about`. Saving is atomic: if the process is killed while it saves, the last checkpoint remains.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from models.activations import Array
from models.network import from_parameters, parameters
from models.store import atomic_write
from training.history import Epoch, Measure
from training.optimizers import OPTIMIZERS, WeightAverage
from training.recipe import Recipe
from training.state import Training


class CheckpointError(ValueError):
    """A checkpoint that can't be continued; the message names the file and the reason."""


def save(path: Path, training: Training) -> None:
    """Write the training to path, completely or not at all."""
    arrays = (
        _prefixed("weights", parameters(training.network))
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

    Raises CheckpointError when there is no such file, it is damaged, or its recipe has fields that this
    version does not know.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(str(arrays["about"]))
        _check_fields(path, about["recipe"])
        return _restore(about, arrays)
    except CheckpointError:
        raise
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no checkpoint to resume") from None
    except Exception as error:  # damage anywhere makes the zip reader raise almost anything
        raise CheckpointError(f"{path}: not a checkpoint of this program: {error}") from error


def _check_fields(path: Path, recipe: Mapping[str, Any]) -> None:
    """Raise CheckpointError for a recipe with fields that this version does not know."""
    unknown = recipe.keys() - {entry.name for entry in fields(Recipe)}
    if unknown:
        raise CheckpointError(
            f"{path}: an older version of this program wrote this checkpoint, so it can't be resumed: "
            f"its recipe has {', '.join(sorted(unknown))}, which this version does not know"
        )


def _restore(about: dict[str, Any], arrays: Mapping[str, Array]) -> Training:
    # JSON knows no tuples.
    choices: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in about["recipe"].items()
    }
    recipe = Recipe(**choices)
    network = from_parameters(_without(arrays, "weights"), recipe.activations)
    optimizer, average = OPTIMIZERS[recipe.optimizer](recipe.momentum), WeightAverage(recipe.average_decay)
    optimizer.state, average.state = _without(arrays, "optimizer"), _without(arrays, "average")
    history = [Epoch(Measure(*train), Measure(*validation)) for train, validation in about["history"]]
    best = _without(arrays, "best")
    return Training(recipe, network, optimizer, average, about["epoch"], about["batch"], history, best)


def _prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def _without(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    start = len(prefix) + 1
    return {name[start:]: array for name, array in arrays.items() if name.startswith(prefix + ".")}
