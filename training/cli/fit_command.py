"""The command `fit`: check the options, train or resume, and write the weights file."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from training import checkpoint
from training.cli.options import data_dir_option, file_option, plain_errors, recipe_options, test_option
from training.cli.progress import Stopped, fit_with_progress
from training.cli.release import release, summary
from training.data.mnist import load_split
from training.recipe import Recipe
from training.state import Training, start

INTERRUPTED = 130


@click.command("fit")
@recipe_options
@data_dir_option
@file_option("--out", default="models/digits.npz", show_default=True, help="The weights file to write.")
@file_option(
    "--checkpoint",
    "kept",
    default=None,
    show_default="beside the weights file",
    help="Where the training is saved after each epoch and on Ctrl-C.",
)
@click.option("--model-version", default="1.0.0", show_default=True, help="Version to put in the file.")
@test_option
@click.option("--resume", is_flag=True, help="Continue from the checkpoint, bit for bit.")
def fit_command(  # noqa: PLR0913 - one an option
    data_dir: Path,
    out: Path,
    kept: Path | None,
    model_version: str,
    *,
    test: bool,
    resume: bool,
    **choices: Any,  # noqa: ANN401 - the recipe's own fields, each of its own type
) -> None:
    """Fit the network, calibrate it, and write the weights file.

    The checkpoint is deleted once the weights file is written. Without --test, the figures are those of the
    validation split, so that the test set is not used to choose between trainings.
    """
    kept = kept or out.with_suffix(".checkpoint.npz")
    with plain_errors():
        for path in (out, kept):
            if not path.parent.is_dir():
                raise ValueError(f"{path}: the folder {path.parent} must exist")
        training = _resumed(kept, choices) if resume else start(Recipe(**choices))
        split = load_split(data_dir, training.recipe.split_seed)
    try:
        fit_with_progress(training, split, kept)
    except Stopped:
        options = {"checkpoint": kept, "out": out, "data-dir": data_dir, "model-version": model_version}
        words = [f"--{name}={value}" for name, value in options.items()]
        click.echo(f"stopped after epoch {training.epoch}, batch {training.batch}; continue with:")
        click.echo(f"  {shlex.join(['python', '-m', 'training', 'fit', '--resume', *words])}")
        sys.exit(INTERRUPTED)
    evaluation = release(training, split, out, model_version, test=test)
    kept.unlink()
    click.echo(summary(out, evaluation, test=test))


def _resumed(path: Path, choices: dict[str, Any]) -> Training:
    """Load the checkpoint, and check that the options given by name are those that it began with."""
    training = checkpoint.load(path)
    context = click.get_current_context()
    given = {
        name: value
        for name, value in choices.items()
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    different = training.recipe.differences(Recipe(**{**vars(training.recipe), **given}))
    if different:
        raise ValueError(f"{path} can't be resumed with other options: its {'; '.join(different)}")
    return training
