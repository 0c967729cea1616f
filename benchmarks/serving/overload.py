"""What the service does when more is asked of it than it can answer.

    python -m benchmarks.serving.overload [--seconds S]

First wrk finds the rate that can be sustained: raw bodies, 32 connections, each asking as fast as it is
answered. Then hey asks for half of that rate, and for four times as much, whatever is answered.
"""

import csv
import io
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which
from typing import NamedTuple

import click
import numpy as np

from benchmarks.page import machine, write_section
from benchmarks.serving import payloads, wrk
from benchmarks.serving.__main__ import docs_option
from benchmarks.serving.checking import warm_up
from benchmarks.serving.entries import ENTRIES
from benchmarks.serving.race import posts_of
from benchmarks.serving.server import Server, running
from training.options import plain_errors

SUSTAINABLE_CONNECTIONS = 32
SUSTAINABLE_SECONDS = 4
# Of the sustainable rate, and over how many connections. hey's connections all ask at the same moments: at
# half the rate, as many as the sustainable rate was found with; to overload, as many as keep asking.
LOADS = ((0.5, SUSTAINABLE_CONNECTIONS), (4.0, 128))
OK, UNAVAILABLE = 200, 503
WORDS = """\
## Overload

{sustainable:,.0f} requests a second can be sustained (wrk, PNGs as bodies, {connections} connections).
Asked for {factor:g} times as many, the service turns away {share:.0%} with 503, and answers the others with
a p99 that is **{ratio:.1f} times** that at half the rate. `python -m benchmarks.serving.overload` asks with
hey, for {seconds:g} s at each rate, on the same cores. hey's connections all ask at the same moments, so that
requests wait for each other at half the rate, too; what it can't ask for, because it waits or has no
processor time, is missing from the rate offered. {other} answers were neither 200 nor 503. On {machine}.
Raw: [overload.csv](benchmarks/overload.csv).

| of what can be sustained | asked, /s | offered, /s | connections | 503 | p50, ms | p99, ms |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""


class Overload(NamedTuple):
    """A run of hey: rates a second, answers by status, and the milliseconds of the 200s."""

    asked: float
    offered: float
    answered: int
    turned_away: int
    other: int
    p50_ms: float
    p99_ms: float

    @property
    def share_turned_away(self) -> float:
        """Return the share of answers that were 503."""
        return self.turned_away / max(self.answered + self.turned_away + self.other, 1)


def measure(seconds: float, say: Callable[[str], object] = str) -> tuple[float, list[Overload]]:
    """Return the sustainable rate, and what was found at each load.

    Raises ValueError when wrk or hey is not installed, ServerError when the service does not start.
    """
    wrk.require()
    if not which("hey"):
        raise ValueError("hey is not installed: it makes the load (Debian: apt-get install hey)")
    pngs = [payloads.as_png(image) for image in payloads.read_images()]
    ours = ENTRIES["ours"]
    post = posts_of(ours, pngs, {"raw"})["raw"]
    with tempfile.TemporaryDirectory() as name, running("ours", ours, post, Path(name) / "ours") as server:
        folder = Path(name)
        (folder / "raw.lua").write_text(wrk.script(post), encoding="ascii")
        (folder / "digit.png").write_bytes(pngs[0])
        warm_up(server, folder / "raw.lua")
        load = wrk.run(folder / "raw.lua", server.port, SUSTAINABLE_CONNECTIONS, SUSTAINABLE_SECONDS)
        say(f"{load.per_second:.0f} requests a second can be sustained")
        found = []
        for factor, connections in LOADS:
            found.append(ask(server, folder / "digit.png", factor * load.per_second, connections, seconds))
            say(f"{factor:g} times as many: {found[-1]}")
    return load.per_second, found


def ask(server: Server, png: Path, rate: float, connections: int, seconds: float) -> Overload:
    """Let hey ask at a rate."""
    command = ["hey", "-z", f"{seconds:g}s", "-c", str(connections), "-q", f"{rate / connections:.3f}"]
    command += ["-m", "POST", "-T", "image/png", "-D", str(png), "-o", "csv"]
    command.append(f"http://127.0.0.1:{server.port}/predict")
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return parse(found.stdout, rate, seconds)


def parse(output: str, asked: float, seconds: float) -> Overload:
    """Read hey's table: a line for each answer. Offered are answers a second: who gets none asks none."""
    rows = list(csv.DictReader(io.StringIO(output)))
    statuses = [int(row["status-code"]) for row in rows]
    times = [1000 * float(row["response-time"]) for row in rows if int(row["status-code"]) == OK]
    p50, p99 = np.percentile(times, [50, 99]).tolist() if times else (float("nan"), float("nan"))
    turned_away = statuses.count(UNAVAILABLE)
    return Overload(
        asked, len(rows) / seconds, len(times), turned_away, len(rows) - len(times) - turned_away, p50, p99
    )


def section(sustainable: float, found: Sequence[Overload], seconds: float) -> str:
    """Return the page's section, in Markdown."""
    half, overload = found
    text = WORDS.format(
        sustainable=sustainable,
        connections=SUSTAINABLE_CONNECTIONS,
        factor=LOADS[1][0],
        share=overload.share_turned_away,
        ratio=overload.p99_ms / half.p99_ms,
        seconds=seconds,
        other=sum(each.other for each in found) or "No",
        machine=machine(),
    )
    return "\n".join(
        [text, *(_row(each, sustainable, load[1]) for each, load in zip(found, LOADS, strict=True))]
    )


def _row(each: Overload, sustainable: float, connections: int) -> str:
    cells = [
        f"{each.asked / sustainable:g} ×",
        f"{each.asked:,.0f}",
        f"{each.offered:,.0f}",
        str(connections),
        f"{each.share_turned_away:.1%}",
        f"{each.p50_ms:.2f}",
        f"{each.p99_ms:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def as_csv(found: Sequence[Overload]) -> str:
    """Return every figure, with all digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["rate_asked", "rate_offered", "answered_200", "answered_503", "answered_other", "p50_ms", "p99_ms"]
    )
    writer.writerows(found)
    return text.getvalue()


@click.command()
@docs_option
@click.option("--seconds", type=click.IntRange(1), default=6, show_default=True, help="Length of a run.")
def main(docs: Path, seconds: int) -> None:
    """Ask the service for half of what it can sustain, and for four times as much."""
    with plain_errors():
        sustainable, found = measure(seconds, click.echo)
        text = section(sustainable, found, seconds)
        write_section(docs / "benchmarks.md", "overload", text)
        (docs / "benchmarks").mkdir(exist_ok=True)
        (docs / "benchmarks" / "overload.csv").write_text(as_csv(found), encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.serving.overload")
