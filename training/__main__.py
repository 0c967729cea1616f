"""The command line of the training: fetch, fit, evaluate, report, card, overfit-demo.

python -m training fetch        python -m training fit --help
"""

import shlex
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from models import store
from training import checkpoint
from training.card import card
from training.data import load_examples, load_split
from training.evaluate import evaluate
from training.fetch import fetch
from training.fit import Training, start
from training.options import (
    data_dir_option,
    file_option,
    folder_option,
    plain_errors,
    recipe_options,
    weights_option,
)
from training.overfit import overfit_demo
from training.progress import Stopped, fit_watched
from training.recipe import Recipe
from training.release import figures, release
from training.report import write_report

INTERRUPTED = 130


@click.group()
def main() -> None:
    """Train the network that reads handwritten digits, and measure it."""


@main.command("fetch")
@data_dir_option
def fetch_command(data_dir: Path) -> None:
    """Get the four MNIST files, each checked against its SHA-256."""
    with plain_errors():
        for path in fetch(data_dir, click.echo):
            click.echo(path)


@main.command("fit")
@recipe_options
@data_dir_option
@file_option("--out", default="models/digits.npz", show_default=True, help="The weights file to write.")
@file_option(
    "--checkpoint",
    "kept",
    default=None,
    show_default="beside the weights file",
    help="Where the training is kept after each epoch and on Ctrl-C.",
)
@click.option("--model-version", default="1.0.0", show_default=True, help="Version to put in the file.")
@click.option("--resume", is_flag=True, help="Continue from the checkpoint, bit for bit.")
def fit_command(
    data_dir: Path,
    out: Path,
    kept: Path | None,
    model_version: str,
    *,
    resume: bool,
    **choices: Any,  # noqa: ANN401 - the recipe's own fields, each of its own type
) -> None:
    """Fit the network, calibrate it, test it once, and write the weights file.

    The checkpoint goes when the weights file is there.
    """
    kept = kept or out.with_suffix(".checkpoint.npz")
    with plain_errors():
        for path in (out, kept):
            if not path.parent.is_dir():
                raise ValueError(f"{path}: the folder {path.parent} must exist")
        training = _resumed(kept, choices) if resume else start(Recipe(**choices))
        split = load_split(data_dir, training.recipe.seed)
    try:
        fit_watched(training, split, kept)
    except Stopped:
        click.echo(f"stopped after epoch {training.epoch}, batch {training.batch}; continue with:")
        click.echo(f"  {_command_to_resume(kept)}")
        sys.exit(INTERRUPTED)
    evaluation = release(training, split, out, model_version)
    kept.unlink()
    click.echo(f"{out}: " + ", ".join(f"{k} {v:.2%}" for k, v in figures(evaluation).items()))


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


def _command_to_resume(kept: Path) -> str:
    options = click.get_current_context().params
    paths = {"checkpoint": kept, "out": options["out"], "data-dir": options["data_dir"]}
    words = [f"--{name}={path}" for name, path in paths.items()]
    return shlex.join(
        ["python", "-m", "training", "fit", "--resume", *words, f"--model-version={options['model_version']}"]
    )


@main.command("evaluate")
@weights_option
@data_dir_option
def evaluate_command(weights: Path, data_dir: Path) -> None:
    """Print the figures of a weights file on the MNIST test set."""
    with plain_errors():
        evaluation = evaluate(store.load(weights), load_examples(data_dir, "t10k"))
    for name, value in figures(evaluation).items():
        click.echo(f"{name:<11}{value:8.3%}")


@main.command("report")
@weights_option
@data_dir_option
@folder_option
def report_command(weights: Path, data_dir: Path, out: Path) -> None:
    """Write a report on a weights file: one HTML page and its plots."""
    with plain_errors():
        click.echo(write_report(store.load(weights), load_examples(data_dir, "t10k"), out))


@main.command("card")
@weights_option
@file_option("--out", default="models/CARD.md", show_default=True, help="The card to write.")
def card_command(weights: Path, out: Path) -> None:
    """Write the model card: what the weights file says of itself."""
    with plain_errors():
        out.write_text(card(store.load(weights)), encoding="utf-8")
    click.echo(out)


@main.command("overfit-demo")
@data_dir_option
@folder_option
@click.option("--seed", default=1, show_default=True, help="Where all randomness starts.")
def overfit_command(data_dir: Path, out: Path, seed: int) -> None:
    """Memorise 1,000 images, then let dropout close the gap; with the plot."""
    with plain_errors():
        split = load_split(data_dir, seed)
    overfit_demo(split, out, say=click.echo)


if __name__ == "__main__":
    main(prog_name="python -m training")
