"""Counts in shared memory: exact under threads, summed over rows, kept when workers come and go."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from time import sleep

import pytest

from service.shared_memory.counters import SLOTS, WIDTH, Count, Histogram, Observations, Rows
from service.shared_memory.worker_table import PLACES, Loads

TIMES, THREADS = 2_000, 4


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


class Slow(float):
    """An amount that lets other threads on while it is added."""

    def __radd__(self, other: float) -> float:
        """Add, at leisure."""
        sleep(0)
        return other + float(self)


def counted(rows: Rows) -> dict[tuple[str, ...], float]:
    """Return how often each series of hits was counted, in all rows."""
    return {values: numbers[0] for values, numbers in rows.read()["hits"].items()}


def hits(rows: Rows, *values: str) -> Count:
    """Return a series of hits."""
    series = Count()
    rows.add(["hits", *values], series)
    return series


def forked(rows: Rows, place: int) -> Rows:
    """Return what a new worker has: the same memory, and no series of its own yet."""
    worker = copy(rows)
    worker.series = []
    worker.enter(1 + place)
    return worker


@pytest.mark.usefixtures("hasty")
def test_threads_lose_no_count() -> None:
    """Threads that count the same series all at once are all counted, in the bucket and in the sum."""
    rows, series = Rows(), Observations((1.0, 2.0))
    rows.add(["sizes"], series)

    def observe() -> None:
        for _ in range(TIMES):
            series.observe(Slow(2.0))

    threads = [threading.Thread(target=observe) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = rows.read()["sizes"][()]
    assert numbers == [0, TIMES * THREADS, *[0] * (WIDTH - 3), 2 * TIMES * THREADS]


def test_an_amount_belongs_to_the_bucket_that_it_bounds() -> None:
    """Up to and with a bound, then the next bucket; beyond the last there is one more."""
    rows, series = Rows(), Observations((1.0, 2.0))
    rows.add(["sizes"], series)
    for amount in (0.0, 1.0, 1.5, 2.0, 2.5, 100.0):
        series.observe(amount)
    numbers = rows.read()["sizes"][()]
    assert numbers[:3] == [2, 2, 2]
    assert numbers[-1] == 107


def test_a_thousand_workers_leave_one_row() -> None:
    """Workers that come and go take one place; whatever each counts first, nothing is lost or mixed."""
    rows, loads = Rows(), Loads()
    for number in range(1000):
        place = loads.take()
        worker = forked(rows, place)
        for digit in ("012", "201", "120")[number % 3][: number % 4]:
            hits(worker, digit).inc()
        loads.give_back(place)
    told = Counter(d for n in range(1000) for d in ("012", "201", "120")[n % 3][: n % 4])
    assert counted(rows) == {(digit,): float(number) for digit, number in told.items()}
    assert [row for row, written in enumerate(rows.written) if written] == [1]


def test_every_place_has_a_row() -> None:
    """As many workers as there are places count each in a row of its own."""
    rows, loads = Rows(), Loads()
    for _ in range(PLACES):
        hits(forked(rows, loads.take())).inc()
    assert counted(rows) == {(): PLACES}
    assert list(map(bool, rows.written)) == [False, *[True] * PLACES]


def test_a_full_row_fails_nobody() -> None:
    """Series beyond a row's room are counted nowhere; those that have a slot go on counting."""
    rows = Rows()
    series = [hits(rows, str(number)) for number in range(SLOTS + 10)]
    for one in series:
        one.inc()
    assert counted(rows) == {(str(number),): 1.0 for number in range(SLOTS)}


def test_more_buckets_than_fit_are_refused() -> None:
    """A histogram whose sum would fall among its buckets is not made."""
    with pytest.raises(ValueError, match="sizes: 23 buckets, and room for 22"):
        Histogram("sizes", "Sizes.", buckets=range(23))


def test_what_is_not_used_costs_no_memory() -> None:
    """The memory for all rows is only taken when it is written; to read all does not take it."""
    before = shared_kb()
    rows = Rows()
    hits(rows).inc()
    assert counted(rows) == {(): 1}
    assert shared_kb() - before < 100
    assert rows.numbers.nbytes > 20e6


def shared_kb() -> int:
    """Return how much shared memory this process has in use, in kB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssShmem"))
