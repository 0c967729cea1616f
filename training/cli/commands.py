"""The commands of the training: fetch, fit, calibrate, evaluate, report, card, overfit-demo.

python -m training fetch        python -m training fit --help
"""

from pathlib import Path

import click

from models import store
from training.cli.fit_command import fit_command
from training.cli.options import (
    data_dir_option,
    file_option,
    folder_option,
    plain_errors,
    test_option,
    weights_option,
)
from training.cli.release import figures, recalibrate, summary
from training.data.download import fetch
from training.data.mnist import load_examples, load_split
from training.evaluation.evaluate import evaluate
from training.evaluation.model_card import card
from training.evaluation.overfitting import overfit_demo
from training.evaluation.report import write_report


@click.group()
def main() -> None:
    """Train the network that reads handwritten digits, and measure it."""


main.add_command(fit_command)


@main.command("fetch")
@data_dir_option
def fetch_command(data_dir: Path) -> None:
    """Get the four MNIST files, each checked against its SHA-256."""
    with plain_errors():
        for path in fetch(data_dir, click.echo):
            click.echo(path)


@main.command("calibrate")
@weights_option
@data_dir_option
@file_option("--out", default=None, show_default="the weights file itself", help="The weights file to write.")
@test_option
def calibrate_command(weights: Path, data_dir: Path, out: Path | None, *, test: bool) -> None:
    """Compute a weights file's temperature and thresholds anew, as `fit` does at its end."""
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
    """Write the model card, from the metadata of the weights file."""
    with plain_errors():
        out.write_text(card(store.load(weights)), encoding="utf-8")
    click.echo(out)


@main.command("overfit-demo")
@data_dir_option
@folder_option
@click.option("--seed", default=1, show_default=True, help="Seed of all random numbers.")
def overfit_command(data_dir: Path, out: Path, seed: int) -> None:
    """Memorise 1,000 images, then close the gap with dropout; with the plot."""
    with plain_errors():
        split = load_split(data_dir, seed)
    overfit_demo(split, out, say=click.echo)
