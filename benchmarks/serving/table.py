"""The race's tables: medians over the rounds; ratios are taken within each round, before the median."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from statistics import median

from benchmarks.page import machine
from benchmarks.serving.entries import ENTRIES
from benchmarks.serving.payloads import BATCH, COUNT
from benchmarks.serving.race import Race, Turn
from benchmarks.serving.section_text import (
    CONDITIONS,
    CONFIGURATIONS,
    INTRODUCTION,
    LIMITS,
    faults,
    observability,
    unevenness,
)
from benchmarks.serving.wrk import Load
from benchmarks.training.table import ratio

TITLES = {
    "multipart": "### One image, in a form",
    "raw": "### One image, the PNG as the body",
    "batch": f"### {BATCH} images in one form",
}
# With one connection, one process does all the work; costs are compared from this load on.
BUSY_CONNECTIONS = 8
Rounds = dict[int, float]


def section(race: Race) -> str:
    """Return the section of the page, in Markdown."""
    versions = sorted(
        {f"{name} {version}" for each in race.versions.values() for name, version in each.items()}
    )
    conditions = CONDITIONS.format(
        rounds=race.plan.rounds, seconds=race.plan.seconds, machine=machine(), versions=", ".join(versions)
    )
    tables = [
        "\n".join([title, "", *_table(race.turns, form)])
        for form, title in TITLES.items()
        if any(turn.form == form for turn in race.turns)
    ]
    costs = "\n".join(["### What it costs", "", *_costs(race)])
    plot = "![Requests a second of each server, by form and connections](images/serving.png)"
    text = [observability(*(_bare_over(race.turns, name) for name in ("ours", "logged")))]
    text += [unevenness(spreads(race)), faults(race.plan.entries, race.turns)]
    return "\n\n".join(
        [INTRODUCTION.format(count=COUNT), plot, *tables, costs, *text, LIMITS, CONFIGURATIONS, conditions]
    )


def select(
    turns: Iterable[Turn], form: str, connections: int, figure: Callable[[Turn], float]
) -> dict[str, Rounds]:
    """Return a figure of each server's runs in a cell, by round."""
    found: dict[str, Rounds] = {}
    for turn in turns:
        if (turn.form, turn.connections) == (form, connections):
            found.setdefault(turn.server, {})[turn.round] = figure(turn)
    return found


def per_second(turn: Turn) -> float:
    """Return a run's successful responses a second; for batches, the images in them."""
    return turn.load.per_second * (BATCH if turn.form == "batch" else 1)


def spreads(race: Race) -> dict[str, float]:
    """Return the median spread of each pair, over the runs that keep both processes busy."""
    return {
        name: _busy(race, name, ("multipart", "raw"), _spread) for name in race.versions if ENTRIES[name].pair
    }


def _bare_over(turns: Iterable[Turn], name: str) -> float:
    """Return the speed without metrics over that of `name`: the median over all runs with raw bodies."""
    pace = {
        (turn.server, turn.round, turn.connections): per_second(turn) for turn in turns if turn.form == "raw"
    }
    ratios = [
        bare / pace[name, number, connections]
        for (server, number, connections), bare in pace.items()
        if server == "bare" and pace.get((name, number, connections))
    ]
    return median(ratios) if ratios else float("nan")


def _table(turns: list[Turn], form: str) -> Iterator[str]:
    unit = "images/s" if form == "batch" else "requests/s"
    yield f"| connections | server | {unit} | lowest – highest | ours ÷ theirs | p50, ms | p99, ms |"
    yield "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    for connections in sorted({turn.connections for turn in turns if turn.form == form}):
        yield from _rows(turns, form, connections)


def _rows(turns: list[Turn], form: str, connections: int) -> Iterator[str]:
    """Yield a row for each server, the fastest first."""
    rates = select(turns, form, connections, per_second)
    p50, p99 = (
        select(turns, form, connections, figure)
        for figure in (lambda turn: turn.load.p50_us / 1000, lambda turn: turn.load.p99_us / 1000)
    )
    for name in sorted(rates, key=lambda name: -median(rates[name].values())):
        rate = rates[name]
        cells = [
            str(connections),
            ENTRIES[name].label,
            f"{median(rate.values()):,.0f}",
            f"{min(rate.values()):,.0f} – {max(rate.values()):,.0f}",
            _figure(_ratio(rates.get("ours", {}), rate), 2),
            *(f"{median(times[name].values()):.2f}" for times in (p50, p99)),
        ]
        yield f"| {' | '.join(cells)} |"


def _ratio(ours: Rounds, theirs: Rounds) -> float:
    """Return the median of the ratios of all rounds; a round without any response is left out."""
    return ratio(ours, {number: rate for number, rate in theirs.items() if rate})


def _costs(race: Race) -> Iterator[str]:
    heads = [
        "CPU, µs a form",
        "CPU, µs a raw image",
        "memory, MB",
        "first response after, s",
        "busier ÷ other",
    ]
    yield f"| server | {' | '.join(heads)} |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    shares = spreads(race)
    for name in race.versions:
        form, raw = (_busy(race, name, (form,), lambda turn: turn.cpu_us) for form in ("multipart", "raw"))
        figures = [
            _figure(form, 0),
            _figure(raw, 0),
            f"{race.megabytes[name]:.0f}",
            f"{median(race.starts[name]):.2f}",
            _figure(shares.get(name, float("nan")), 2),
        ]
        yield f"| {ENTRIES[name].label} | {' | '.join(figures)} |"


def _busy(race: Race, name: str, forms: tuple[str, ...], figure: Callable[[Turn], float]) -> float:
    """Return the median of a figure over the runs with these forms and at least BUSY_CONNECTIONS."""
    chosen = [
        figure(turn)
        for turn in race.turns
        if turn.server == name and turn.form in forms and turn.connections >= BUSY_CONNECTIONS
    ]
    return median(chosen) if chosen else float("nan")


def _spread(turn: Turn) -> float:
    return turn.spread


def _figure(value: float, digits: int) -> str:
    """Write a figure, or a dash where there is none.

    >>> _figure(1.234, 2), _figure(float("nan"), 2)
    ('1.23', '–')
    """
    return f"{value:.{digits}f}" if value == value else "–"  # noqa: PLR0124 - NaN alone differs from itself


def as_csv(turns: list[Turn]) -> str:
    """Return every run, with all digits, so that the tables can be recomputed."""
    heads = [
        "round",
        "form",
        "connections",
        "server",
        *Load._fields,
        "cpu_us_per_request",
        "busier_over_other",
    ]
    rows = [[*turn[:4], *turn.load, turn.cpu_us, turn.spread] for turn in turns]
    return _written(heads, rows)


def servers_csv(race: Race) -> str:
    """Return each server's start times, and its memory after the load."""
    heads = ["server", "megabytes", *(f"start_{number}_seconds" for number in range(1, 1 + _starts(race)))]
    return _written(heads, [[name, race.megabytes[name], *race.starts[name]] for name in race.versions])


def _starts(race: Race) -> int:
    return max((len(starts) for starts in race.starts.values()), default=0)


def _written(heads: list[str], rows: Iterable[list[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()
