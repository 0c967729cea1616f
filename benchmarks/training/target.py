"""How long the training takes to a given error on the test set: what a person waits for.

    python -m benchmarks.training.target [--target 0.006] [--seeds 1,2,3] [any option of `training fit`]

The clock runs from the drawing of the first weights and stands still while the test set is read at the
end of each epoch. The test set decides here when a stop-watch stops, and nothing else: nothing that
this script trains is kept.
"""

import csv
import io
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import click

from benchmarks.page import machine, write_section
from benchmarks.training.__main__ import docs_option
from training.cli.options import Several, data_dir_option, plain_errors, recipe_options
from training.data.mnist import Split, load_split
from training.fit import fit
from training.history import Epoch, measure
from training.recipe import Recipe
from training.state import start


class Reached(Exception):  # noqa: N818 - what was wanted
    """The error is at or below the target."""


class Point(NamedTuple):
    """What a training had come to after an epoch, counted from 1."""

    seed: int
    epoch: int
    seconds: float
    error: float


def points_to_target(
    recipe: Recipe, split: Split, target: float, say: Callable[[str], object] = str
) -> list[Point]:
    """Train until the averaged network's test error is target or less, or to the recipe's end.

    Returns a point for each epoch; the last is the one that reached the target, if any did.
    """
    points: list[Point] = []
    since, seconds = time.perf_counter(), 0.0
    training = start(recipe)

    def after_epoch(_: Epoch) -> None:
        nonlocal since, seconds
        seconds += time.perf_counter() - since
        error = measure(training.averaged, split.test, recipe.output_loss).error
        points.append(Point(recipe.seed, training.epoch, seconds, error))
        say(f"seed {recipe.seed}, epoch {training.epoch}: {seconds:.1f} s, test error {error:.2%}")
        if error <= target:
            raise Reached
        since = time.perf_counter()

    with suppress(Reached):
        fit(training, split, after_epoch=after_epoch)
    return points


def section(recipe: Recipe, runs: Sequence[Sequence[Point]], target: float) -> str:
    """Return the page's section, in Markdown. Without the target reached for most seeds, there is no time."""
    seconds = median(run[-1].seconds if run[-1].error <= target else float("inf") for run in runs)
    found = f"**{seconds:.0f} s**" if seconds < float("inf") else "**not reached**"
    rows = [
        f"| {run[-1].seed} | {run[-1].epoch} | {run[-1].seconds:.1f} | {run[-1].error:.2%} |" for run in runs
    ]
    choices = ", ".join(
        f"{entry.name} {getattr(recipe, entry.name)}" for entry in fields(recipe) if entry.name != "seed"
    )
    return "\n".join(
        [
            f"## Time to {target:.2%} test error",
            "",
            f"Median over the seeds: {found}, on {machine()}.",
            "`python -m benchmarks.training.target` trains until the error on the 10,000 test images is that",
            "low; the clock stands still while they are read.",
            "",
            "| seed | epochs | seconds | test error |",
            "| ---: | ---: | ---: | ---: |",
            *rows,
            "",
            f"The recipe: {choices}. Every epoch: [target.csv](benchmarks/target.csv).",
        ]
    )


def publish(recipe: Recipe, runs: Sequence[Sequence[Point]], target: float, docs: Path) -> None:
    """Write the section of benchmarks.md, and benchmarks/target.csv with every epoch."""
    write_section(docs / "benchmarks.md", "target", section(recipe, runs, target))
    (docs / "benchmarks").mkdir(exist_ok=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Point._fields)
    writer.writerows(point for run in runs for point in run)
    (docs / "benchmarks" / "target.csv").write_text(text.getvalue(), encoding="utf-8")


@click.command()
@recipe_options
@data_dir_option
@docs_option
@click.option("--target", default=0.006, show_default=True, help="Share of wrong answers to come down to.")
@click.option("--seeds", type=Several(int), default=(1, 2, 3), show_default="1,2,3", help="A training each.")
def main(
    data_dir: Path,
    docs: Path,
    target: float,
    seeds: tuple[int, ...],
    **choices: Any,  # noqa: ANN401 - the recipe's own fields, each of its own type
) -> None:
    """Time the training to a test error, for each seed, and write docs/benchmarks.md."""
    with plain_errors():
        recipe = Recipe(**choices)
        runs = [
            points_to_target(replace(recipe, seed=seed), load_split(data_dir, seed), target, click.echo)
            for seed in seeds
        ]
        publish(recipe, runs, target, docs)
    click.echo(section(recipe, runs, target))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.training.target")
