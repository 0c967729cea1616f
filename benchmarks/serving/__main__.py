"""The command line: measure the service beside other servers, and write docs/benchmarks.md.

python -m benchmarks.serving [--rounds N] [--seconds S] [--only NAME]...
"""

from pathlib import Path

import click

from benchmarks.page import write_section
from benchmarks.serving.entries import ENTRIES, ROOT
from benchmarks.serving.plot import draw
from benchmarks.serving.race import Plan, Race, race
from benchmarks.serving.table import as_csv, section, servers_csv
from training.cli.options import plain_errors

docs_option = click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "docs",
    show_default="docs",
    help="Folder of benchmarks.md, benchmarks/ (raw numbers) and images/.",
)


@click.command()
@docs_option
@click.option(
    "--rounds", type=click.IntRange(1), default=5, show_default=True, help="Runs of each server in each cell."
)
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Duration of a run."
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(ENTRIES)),
    help="Measure this server (repeatable; default: all).",
)
def main(docs: Path, rounds: int, seconds: float, only: tuple[str, ...]) -> None:
    """Load the service and other servers in turn, and write docs/benchmarks.md."""
    with plain_errors():
        chosen = {name: ENTRIES[name] for name in only or ENTRIES}
        result = race(Plan(chosen, rounds, seconds), click.echo)
        publish(result, docs)
        click.echo(section(result))


def publish(result: Race, docs: Path) -> None:
    """Write the section of benchmarks.md, the raw numbers as two CSV files, and the plot."""
    write_section(docs / "benchmarks.md", "serving", section(result))
    for folder in ("benchmarks", "images"):
        (docs / folder).mkdir(exist_ok=True)
    (docs / "benchmarks" / "serving.csv").write_text(as_csv(result.turns), encoding="utf-8")
    (docs / "benchmarks" / "serving-servers.csv").write_text(servers_csv(result), encoding="utf-8")
    draw(result, docs / "images" / "serving.png")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.serving")
