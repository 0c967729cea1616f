"""The service under overload.

    python -m benchmarks.serving.overload [--seconds S]

wrk measures the rate that the service sustains: raw bodies, 32 connections, each sending as soon as it is
answered. Then hey sends half of that rate, and four times that rate, whatever is answered.
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
from training.cli.options import plain_errors

SUSTAINABLE_CONNECTIONS = 32
SUSTAINABLE_SECONDS = 4
# The share of the sustained rate, and the number of connections. All of hey's connections send at the same
# moments: at half the rate, as many as in the measurement of the sustained rate; for overload, enough of them
# that some always send.
LOADS = ((0.5, SUSTAINABLE_CONNECTIONS), (4.0, 128))
OK, UNAVAILABLE = 200, 503
SECTION = """\
## Overload

The service sustains {sustainable:,.0f} requests a second (wrk, PNGs as bodies, {connections} connections).
At {factor:g} times that rate, it rejects {share:.0%} with 503, and answers the others with a p99 that is
**{ratio:.1f} times** the p99 at half the rate. `python -m benchmarks.serving.overload` sends the requests
with hey, for {seconds:g} s at each rate, on the same cores. All of hey's connections send at the same
moments, so that requests queue even at half the rate. hey sends less than the intended rate while it waits
for responses or for processor time. {other} responses had another status. On {machine}.
Raw: [overload.csv](benchmarks/overload.csv).

| share of the sustained rate | intended, /s | sent, /s | connections | 503 | p50, ms | p99, ms |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""


class Overload(NamedTuple):
    """A run of hey: rates a second, responses by status, and the latency of the 200s in milliseconds."""

    asked: float
    offered: float
    answered: int
    rejected: int
    other: int
    p50_ms: float
    p99_ms: float

    @property
    def share_rejected(self) -> float:
        """The share of responses that were 503."""
        return self.rejected / max(self.answered + self.rejected + self.other, 1)


def measure(seconds: float, say: Callable[[str], object] = str) -> tuple[float, list[Overload]]:
    """Return the sustained rate, and the result of each of LOADS.

    Raises ValueError if wrk or hey is not installed, ServerError if the service does not start.
    """
    wrk.require()
    if not which("hey"):
        raise ValueError("hey, the load generator, is not installed (Debian: apt-get install hey)")
    pngs = [payloads.as_png(image) for image in payloads.read_images()]
    ours = ENTRIES["ours"]
    post = posts_of(ours, pngs, {"raw"})["raw"]
    with tempfile.TemporaryDirectory() as name, running("ours", ours, post, Path(name) / "ours") as server:
        folder = Path(name)
        (folder / "raw.lua").write_text(wrk.script(post), encoding="ascii")
        (folder / "digit.png").write_bytes(pngs[0])
        warm_up(server, folder / "raw.lua")
        load = wrk.run(folder / "raw.lua", server.port, SUSTAINABLE_CONNECTIONS, SUSTAINABLE_SECONDS)
        say(f"{load.per_second:.0f} requests a second are sustained")
        found = []
        for factor, connections in LOADS:
            found.append(ask(server, folder / "digit.png", factor * load.per_second, connections, seconds))
            say(f"{factor:g} times as many: {found[-1]}")
    return load.per_second, found


def ask(server: Server, png: Path, rate: float, connections: int, seconds: float) -> Overload:
    """Run hey at a rate."""
    command = ["hey", "-z", f"{seconds:g}s", "-c", str(connections), "-q", f"{rate / connections:.3f}"]
    command += ["-m", "POST", "-T", "image/png", "-D", str(png), "-o", "csv"]
    command.append(f"http://127.0.0.1:{server.port}/predict")
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return parse(found.stdout, rate, seconds)


def parse(output: str, asked: float, seconds: float) -> Overload:
    """Read hey's CSV, which has a line for each response; the rate offered is that of the responses."""
    rows = list(csv.DictReader(io.StringIO(output)))
    statuses = [int(row["status-code"]) for row in rows]
    times = [1000 * float(row["response-time"]) for row in rows if int(row["status-code"]) == OK]
    p50, p99 = np.percentile(times, [50, 99]).tolist() if times else (float("nan"), float("nan"))
    rejected = statuses.count(UNAVAILABLE)
    return Overload(
        asked, len(rows) / seconds, len(times), rejected, len(rows) - len(times) - rejected, p50, p99
    )


def section(sustainable: float, found: Sequence[Overload], seconds: float) -> str:
    """Return the section of the page, in Markdown."""
    half, overload = found
    text = SECTION.format(
        sustainable=sustainable,
        connections=SUSTAINABLE_CONNECTIONS,
        factor=LOADS[1][0],
        share=overload.share_rejected,
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
        f"{each.share_rejected:.1%}",
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
@click.option("--seconds", type=click.IntRange(1), default=6, show_default=True, help="Duration of a run.")
def main(docs: Path, seconds: int) -> None:
    """Load the service with half of the rate that it sustains, and with four times that rate."""
    with plain_errors():
        sustainable, found = measure(seconds, click.echo)
        text = section(sustainable, found, seconds)
        write_section(docs / "benchmarks.md", "overload", text)
        (docs / "benchmarks").mkdir(exist_ok=True)
        (docs / "benchmarks" / "overload.csv").write_text(as_csv(found), encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.serving.overload")
