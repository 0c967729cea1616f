"""What `fit` and `teach` share: all is checked before work begins, and Ctrl-C says how to go on."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from training import checkpoint
from training.data import Split, load_split
from training.fit import Training, start
from training.progress import Stopped, fit_watched
from training.recipe import Recipe
from training.teaching import Teachers

INTERRUPTED = 130


def begin(
    paths: tuple[Path, ...], choices: dict[str, Any], data_dir: Path, *, resume: bool
) -> tuple[Training, Split, Teachers]:
    """Check all that can be checked before work; the checkpoint is the last of the paths."""
    for path in paths:
        if not path.parent.is_dir():
            raise ValueError(f"{path}: the folder {path.parent} must exist")
    training = _resumed(paths[-1], choices) if resume else start(Recipe(**choices))
    recipe = training.recipe
    readers = tuple(checkpoint.load_finished(Path(path)) for path in recipe.teachers)
    return training, load_split(data_dir, recipe.split_seed), Teachers(readers, recipe.teacher_temperature)


def _resumed(path: Path, choices: dict[str, Any]) -> Training:
    """Load the checkpoint, and hold it to the options that were given by name."""
    training = checkpoint.load(path)
    context = click.get_current_context()
    given = {
        name: value
        for name, value in choices.items()
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    different = training.recipe.differences(Recipe(**{**vars(training.recipe), **given}))
    if different:
        raise ValueError(f"{path} can't be resumed otherwise than it began: its {'; '.join(different)}")
    return training


def fit_or_say_how_to_resume(
    training: Training, split: Split, kept: Path, teachers: Teachers, options: dict[str, Any]
) -> None:
    """Fit to the end, or to Ctrl-C: then say how to go on, and exit."""
    try:
        fit_watched(training, split, kept, teachers)
    except Stopped:
        click.echo(f"stopped after epoch {training.epoch}, batch {training.batch}; continue with:")
        command = str(click.get_current_context().info_name)
        words = [f"--{name}={value}" for name, value in options.items()]
        click.echo(f"  {shlex.join(['python', '-m', 'training', command, '--resume', *words])}")
        sys.exit(INTERRUPTED)
