"""The study's figures: each variant's over its baseline's, taken within each round before their median."""

from collections.abc import Callable, Iterator
from statistics import geometric_mean, median

from benchmarks.page import machine
from benchmarks.serving.ablation.entries import BASELINE, PROXIED, VARIANTS
from benchmarks.serving.entries import Cell
from benchmarks.serving.race import Race, Turn
from benchmarks.serving.section_text import faults
from benchmarks.serving.table import per_second, select

Figure = Callable[[Turn], float]
INTRODUCTION = """\
## Ablation

Each row is the service with one of its own parts replaced by a library's, divided by the service as it is.
`python -m benchmarks.serving.ablation` measures all variants in one run, in alternation: {rounds} rounds of
{seconds:g} s a run. Each ratio is taken within a round; the tables show the median over the rounds. The first
row is the service against itself, which shows the noise. The columns name the encoding (form or body) and the
number of connections; `browser` marks request heads with the eleven fields that a browser sends, among them
an `X-Request-Id` that is new in each request. On {machine}. {faults}
Every run: [ablation.csv](benchmarks/ablation.csv)."""
TABLES: dict[str, Figure] = {
    "### Requests a second (below 1: the variant is slower)": per_second,
    "### p99 (above 1: the variant is slower)": lambda turn: turn.load.p99_us,
    "### Processor time a request (above 1: the variant costs more)": lambda turn: turn.cpu_us,
}


def section(race: Race) -> str:
    """Return the study's section, in Markdown."""
    plan = race.plan
    introduction = INTRODUCTION.format(
        rounds=plan.rounds, seconds=plan.seconds, machine=machine(), faults=faults(plan.entries, race.turns)
    )
    tables = ["\n".join([title, "", *_table(race, figure)]) for title, figure in TABLES.items()]
    return "\n\n".join([introduction, *tables])


def _table(race: Race, figure: Figure) -> Iterator[str]:
    heads = [f"{_column(form)}, {connections}" for form, connections in race.plan.cells]
    yield f"| variant | {' | '.join([*heads, 'geometric mean'])} |"
    yield f"| --- |{' ---: |' * (len(heads) + 1)}"
    for name in race.plan.entries:
        if name not in {BASELINE, PROXIED}:
            ratios = [ratio(race, name, cell, figure) for cell in race.plan.cells]
            row = [*ratios, geometric_mean(ratios)]
            yield f"| {VARIANTS[name].text} | {' | '.join(f'{each:.2f}' for each in row)} |"


def _column(form: str) -> str:
    return form.replace("multipart", "form").replace("raw", "body")


def ratio(race: Race, name: str, cell: Cell, figure: Figure) -> float:
    """Return the median over the rounds of a variant's figure over its baseline's; NaN without any."""
    found = select(race.turns, *cell, figure)
    mine, baseline = found[name], found[VARIANTS[name].baseline]
    ratios = [value / baseline[number] for number, value in mine.items() if value and baseline[number]]
    return median(ratios) if ratios else float("nan")
