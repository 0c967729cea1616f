"""The command line of the training: fetch, teach, fit, calibrate, evaluate, report, card, overfit-demo.

python -m training fetch        python -m training fit --help
"""

from pathlib import Path
from typing import Any

import click

from models import store
from training.begin import begin, fit_or_say_how_to_resume
from training.card import card
from training.data import load_examples, load_split
from training.evaluate import evaluate
from training.fetch import fetch
from training.options import (
    data_dir_option,
    file_option,
    folder_option,
    plain_errors,
    recipe_options,
    weights_option,
)
from training.overfit import overfit_demo
from training.release import figures, recalibrate, release, summary
from training.report import write_report


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


test_option = click.option(
    "--test", is_flag=True, help="The model is final: read the test set, and record its figures."
)
resume_option = click.option("--resume", is_flag=True, help="Continue from the checkpoint, bit for bit.")


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
@test_option
@resume_option
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

    The checkpoint goes when the weights file is there. Without --test, the figures are the validation
    split's: the test set shall not help to choose.
    """
    kept = kept or out.with_suffix(".checkpoint.npz")
    with plain_errors():
        if choices["maps"]:
            raise ValueError("maps are for teachers, which don't ship: `python -m training teach`")
        training, split, teachers = begin((out, kept), choices, data_dir, resume=resume)
    words = {"checkpoint": kept, "out": out, "data-dir": data_dir, "model-version": model_version}
    fit_or_say_how_to_resume(training, split, kept, teachers, words)
    evaluation = release(training, split, out, model_version, test=test)
    kept.unlink()
    click.echo(summary(out, evaluation, test=test))


@main.command("teach")
@recipe_options
@data_dir_option
@file_option("--out", default="models/teacher.npz", show_default=True, help="The teacher's checkpoint.")
@resume_option
def teach_command(
    data_dir: Path,
    out: Path,
    *,
    resume: bool,
    **choices: Any,  # noqa: ANN401 - the recipe's own fields, each of its own type
) -> None:
    """Fit a teacher, with convolutions if it has --maps, for `fit --teachers`.

    The finished training's checkpoint is the teacher; it can't be served.
    """
    with plain_errors():
        training, split, teachers = begin((out,), choices, data_dir, resume=resume)
    fit_or_say_how_to_resume(training, split, out, teachers, {"out": out, "data-dir": data_dir})
    click.echo(f"{out}: validation error {training.history[-1].validation.error:.2%}")


@main.command("calibrate")
@weights_option
@data_dir_option
@file_option("--out", default=None, show_default="the weights file itself", help="The weights file to write.")
@test_option
def calibrate_command(weights: Path, data_dir: Path, out: Path | None, *, test: bool) -> None:
    """Find a weights file's temperature and thresholds anew, as `fit` does at its end."""
    with plain_errors():
        model = store.load(weights)
        split = load_split(data_dir, model.metadata["recipe"]["split_seed"])
        evaluation = recalibrate(model, split, out or weights, test=test)
    click.echo(summary(out or weights, evaluation, test=test))


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
