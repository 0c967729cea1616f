"""Measure what each of the service's own parts brings, and write it down.

python -m benchmarks.serving.ablation [--rounds N] [--seconds S] [--form F]... [--connections N]... [NAME]...
"""

from pathlib import Path

import click

from benchmarks.page import write_section
from benchmarks.serving.__main__ import docs_option
from benchmarks.serving.ablation.entries import ALL_FORMS, VARIANTS, cells, entries
from benchmarks.serving.ablation.table import section
from benchmarks.serving.entries import CONNECTIONS
from benchmarks.serving.race import Plan, Race, race
from benchmarks.serving.table import as_csv
from training.cli.options import plain_errors


@click.command()
@docs_option
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Turns of each.")
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Length of a run."
)
@click.option(
    "--form", multiple=True, type=click.Choice(ALL_FORMS), default=ALL_FORMS, help="All by default."
)
@click.option(
    "--connections", multiple=True, type=click.IntRange(1), default=CONNECTIONS, help="Default: 1, 8 and 32."
)
@click.argument("names", nargs=-1, type=click.Choice(list(VARIANTS)))
def main(  # noqa: PLR0913, PLR0917 - one for each option
    docs: Path,
    rounds: int,
    seconds: float,
    form: tuple[str, ...],
    connections: tuple[int, ...],
    names: tuple[str, ...],
) -> None:
    """Race the service against variants of itself (all, or those of these NAMES), and write the ratios."""
    with plain_errors():
        plan = Plan(entries(names or VARIANTS), rounds, seconds, cells(form, connections), starts=1)
        result = race(plan, click.echo)
        publish(result, docs)
        click.echo(section(result))


def publish(result: Race, docs: Path) -> None:
    """Write the study's section of benchmarks.md, and its raw numbers."""
    write_section(docs / "benchmarks.md", "ablation", section(result))
    (docs / "benchmarks").mkdir(exist_ok=True)
    (docs / "benchmarks" / "ablation.csv").write_text(as_csv(result.turns), encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.serving.ablation")
