"""Measure the training's speed beside its rivals, and write it down.

python -m benchmarks.training [--rounds N] [--steps N] [--only NAME]...
"""

from pathlib import Path

import click

from benchmarks.page import write_section
from benchmarks.training.contestants import ENTRIES
from benchmarks.training.driver import ROOT, Plan, Race, race
from benchmarks.training.table import as_csv, section
from training.cli.options import data_dir_option, plain_errors
from training.data.mnist import load_examples

docs_option = click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "docs",
    show_default="docs",
    help="Folder of benchmarks.md, and of benchmarks/ with the raw numbers.",
)


@click.command()
@data_dir_option
@docs_option
@click.option("--rounds", type=click.IntRange(1), default=15, show_default=True, help="Turns of each.")
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=117,
    show_default=True,
    help="Batches a turn; the default is a quarter of an epoch.",
)
@click.option("--only", multiple=True, type=click.Choice(list(ENTRIES)), help="Leave out the others.")
@click.option(
    "--rivals-python",
    type=click.Path(path_type=Path),
    default=ROOT / ".venv" / "bench-training" / "bin" / "python",
    show_default=".venv/bench-training/bin/python",
    help="The Python that has what benchmarks/training/requirements.txt lists.",
)
def main(  # noqa: PLR0913, PLR0917 - one for each option
    data_dir: Path, docs: Path, rounds: int, steps: int, only: tuple[str, ...], rivals_python: Path
) -> None:
    """Time an epoch's training, with momentum and with Adam, and write docs/benchmarks.md."""
    with plain_errors():
        examples = load_examples(data_dir, "train")
        plan = Plan(only or tuple(ENTRIES), rounds, steps, rivals_python)
        result = race(examples, plan, click.echo)
        publish(result, docs)
        click.echo(section(result))


def publish(result: Race, docs: Path) -> None:
    """Write the race's section of benchmarks.md, and benchmarks/training.csv."""
    write_section(docs / "benchmarks.md", "training", section(result))
    (docs / "benchmarks").mkdir(exist_ok=True)
    (docs / "benchmarks" / "training.csv").write_text(as_csv(result.turns), encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.training")
