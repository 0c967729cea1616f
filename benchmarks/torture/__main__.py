"""The command line: run scenarios, and write their outcome to docs/reliability.md.

python -m benchmarks.torture [NAMES] [--soak S] [--load S] [--faults S]
"""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.page import machine
from benchmarks.torture import faults, load, restarts
from benchmarks.torture.page import write_page
from benchmarks.torture.report import Report
from tests.server import ROOT

DOCS = ROOT / "docs"
SCENARIOS: dict[str, Callable[[float], Report]] = {
    scenario.__name__: scenario for scenario in (*load.LOADS, *restarts.RESTARTS, *faults.FAULTS)
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*SCENARIOS]))
@click.option("--soak", default=3600.0, show_default=True, help="Seconds of mixed traffic.")
@click.option(
    "--load", "loaded", default=600.0, show_default=True, help="Seconds of overload, and of killed workers."
)
@click.option("--faults", "faulty", default=60.0, show_default=True, help="Seconds of each other scenario.")
@click.option(
    "--docs",
    type=click.Path(path_type=Path),
    default=DOCS,
    show_default="docs/",
    help="Folder of reliability.md.",
)
@click.option("--also-running", default="nothing else", show_default=True, help="Other load on the machine.")
def main(  # noqa: PLR0913, PLR0917 - an argument for each option
    names: tuple[str, ...], soak: float, loaded: float, faulty: float, docs: Path, also_running: str
) -> None:
    """Run all scenarios, or those NAMED; the others keep their last outcome on the page."""
    seconds = {"soak": soak, "overload": loaded, "kills": loaded}
    failed = False
    for name in names or SCENARIOS:
        report = SCENARIOS[name](seconds.get(name, faulty))
        run = {
            "date": datetime.now(UTC).date().isoformat(),
            "commit": _commit(),
            "machine": machine(),
            "also_running": also_running,
        }
        report.save(docs / "reliability", name, run)
        write_page(docs, [*SCENARIOS])
        failed |= bool(report.findings)
        click.echo(f"{report.name}: {report.requests:,} requests, {report.lost} lost. {report.figures}")
        for finding in report.findings:
            click.echo(f"  FINDING: {finding}")
    sys.exit(failed)


def _commit() -> str:
    command = ["/usr/bin/git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.torture")
