"""The race's figures: medians over the rounds, and ratios taken within each round before their median.

A ratio within a round compares what ran within the same seconds. So the median of ratios need not be
the ratio of medians: it is the better figure on a machine whose speed drifts.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from statistics import median

from benchmarks.page import machine
from benchmarks.training.contestants import ENTRIES, OPTIMIZERS
from benchmarks.training.driver import Race, Turn

HEAD = "| contestant | seconds an epoch | lowest – highest | × ours | × products | cost at the end |"
RULE = "| --- | ---: | ---: | ---: | ---: | ---: |"
INTRODUCTION = """\
## Speed of training

Seconds to train 784 – 1000 – 500 – 10 (ReLU, softmax, cross-entropy, float32) for an epoch of 60,000
images in batches of 128. `make bench-training` measures all contestants in one run, taking turns. A ratio
above 1 is slower. The products are the eight matrix products of a step alone: the floor of any training in
NumPy. The cost, of the first 2,000 training images after the last turn, shows that each contestant learns;
not which learns best, for each draws its own weights and order.

Beyond the products, this project's step is the optimizer's: of memory, for a step of Adam passes over 1.3
million numbers ten times, block by block. What was tried and did not shorten it: two threads, each with
every other block (they wait for Python's lock); blocks of 8,192 to 262,144 numbers; numexpr, which fuses
the passes (three to four times slower). JAX shows what a compiler that fuses would still gain.
"""


def section(race: Race) -> str:
    """Return the page's section on the race, in Markdown."""
    names = sorted(set(race.versions.values()))
    missing = [f"{ENTRIES[name].label} was not measured: {why}." for name, why in race.missing.items()]
    conditions = (
        f"Medians of {race.plan.rounds} rounds, {race.plan.steps} steps a contestant and round, "
        f"on {machine()}. {', '.join(names)}. Every round: [training.csv](benchmarks/training.csv)."
    )
    tables = [
        "\n".join([f"### {optimizer.capitalize()}", "", HEAD, RULE, *_rows(race.turns, optimizer)])
        for optimizer in OPTIMIZERS
    ]
    return "\n\n".join([INTRODUCTION.strip(), *tables, conditions, *missing])


def ratio(mine: Mapping[int, float], theirs: Mapping[int, float]) -> float:
    """Return the median, over the rounds, of mine / theirs; NaN without any.

    >>> ratio({1: 2.0, 2: 6.0, 3: 9.0}, {1: 1.0, 2: 2.0, 3: 3.0})
    3.0
    """
    ratios = [seconds / theirs[number] for number, seconds in mine.items() if number in theirs]
    return median(ratios) if ratios else float("nan")


def as_csv(turns: list[Turn]) -> str:
    """Return every turn, with all digits, so that each figure of the tables can be had again."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["round", "optimizer", "contestant", "seconds_per_epoch", "cost"])
    writer.writerows(turns)
    return text.getvalue()


def _rows(turns: list[Turn], optimizer: str) -> Iterator[str]:
    """Yield a row for each contestant, the fastest first."""
    times: dict[str, dict[int, float]] = {}
    cost = {}
    for turn in turns:
        if turn.optimizer == optimizer:
            times.setdefault(turn.contestant, {})[turn.round] = turn.seconds
            cost[turn.contestant] = turn.cost
    for name in sorted(times, key=lambda name: median(times[name].values())):
        seconds = times[name]
        cells = [
            ENTRIES[name].label,
            f"{median(seconds.values()):.3f}",
            f"{min(seconds.values()):.3f} – {max(seconds.values()):.3f}",
            *(_figure(ratio(seconds, times.get(other, {})), 2) for other in ("ours", "products")),
            _figure(cost[name], 4),
        ]
        yield f"| {' | '.join(cells)} |"


def _figure(value: float, digits: int) -> str:
    """Write a figure, or a dash where there is none.

    >>> _figure(1.234, 2), _figure(float("nan"), 2)
    ('1.23', '–')
    """
    return f"{value:.{digits}f}" if value == value else "–"  # noqa: PLR0124 - NaN alone differs from itself
