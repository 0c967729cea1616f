"""Counts in shared memory: exact under threads, summed over the rows, kept when workers come and go."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from time import sleep

import pytest

from service.shared_memory.counters import (
    SLOTS,
    WIDTH,
    Histogram,
    Series,
    SeriesTable,
)
from service.shared_memory.worker_table import WORKER_ROWS, NoFreeRowError, WorkerTable

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


def counted(table: SeriesTable) -> dict[tuple[str, ...], float]:
    """Return how often each series of hits was counted, in all rows."""
    return {values: numbers[0] for values, numbers in table.read()["hits"].items()}


def hits(table: SeriesTable, *values: str) -> Series:
    """Return a series of hits."""
    series = Series()
    table.add(["hits", *values], series)
    return series


def forked(table: SeriesTable, row: int) -> SeriesTable:
    """Return what a new worker has: the same memory, and no series of its own yet."""
    worker = copy(table)
    worker.series = []
    worker.enter(row)
    return worker


@pytest.mark.usefixtures("hasty")
def test_threads_lose_no_count() -> None:
    """Threads that count the same series all at once are all counted, in the bucket and in the sum."""
    table, series = SeriesTable(), Series((1.0, 2.0))
    table.add(["sizes"], series)

    def observe() -> None:
        for _ in range(TIMES):
            series.observe(Slow(2.0))

    threads = [threading.Thread(target=observe) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = table.read()["sizes"][()]
    assert numbers == [0, TIMES * THREADS, *[0] * (WIDTH - 3), 2 * TIMES * THREADS]


def test_an_amount_belongs_to_the_bucket_that_it_bounds() -> None:
    """Up to and with a bound, then the next bucket; beyond the last there is one more."""
    table, series = SeriesTable(), Series((1.0, 2.0))
    table.add(["sizes"], series)
    for amount in (0.0, 1.0, 1.5, 2.0, 2.5, 100.0):
        series.observe(amount)
    numbers = table.read()["sizes"][()]
    assert numbers[:3] == [2, 2, 2]
    assert numbers[-1] == 107


def test_a_thousand_workers_leave_one_row() -> None:
    """Workers that come and go take one place; whatever each counts first, nothing is lost or mixed."""
    table, workers = SeriesTable(), WorkerTable()
    for number in range(1000):
        row = workers.take()
        worker = forked(table, row)
        for digit in ("012", "201", "120")[number % 3][: number % 4]:
            hits(worker, digit).inc()
        workers.free(row)
    told = Counter(d for n in range(1000) for d in ("012", "201", "120")[n % 3][: n % 4])
    assert counted(table) == {(digit,): float(number) for digit, number in told.items()}
    assert [row for row, written in enumerate(table.names_end) if written] == [1]


def test_every_place_has_a_row() -> None:
    """As many workers as there are places count each in a row of its own."""
    table, workers = SeriesTable(), WorkerTable()
    for _ in range(WORKER_ROWS):
        hits(forked(table, workers.take())).inc()
    assert counted(table) == {(): WORKER_ROWS}
    assert list(map(bool, table.names_end)) == [False, *[True] * WORKER_ROWS]


def test_a_series_without_a_slot_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """Series beyond a row's slots are logged, and their events counted apart; the others go on counting."""
    table = SeriesTable()
    series = [hits(table, str(number)) for number in range(SLOTS)]
    assert table.uncounted_events() == 0
    series += [hits(table, str(number)) for number in range(SLOTS, SLOTS + 10)]
    sizes = Series((1.0, 2.0))
    table.add(["sizes"], sizes)
    for one in series:
        one.inc()
    sizes.observe(100.0)
    assert counted(table) == {(str(number),): 1.0 for number in range(SLOTS)}
    assert table.uncounted_events() == 11
    assert len(caplog.records) == 11
    assert '"sizes"' in caplog.text


def test_no_two_workers_share_a_row() -> None:
    """When all rows are taken, the next worker gets none; a row that is freed can be taken again."""
    workers = WorkerTable()
    rows = [workers.take() for _ in range(WORKER_ROWS)]
    assert len(set(rows)) == WORKER_ROWS
    with pytest.raises(NoFreeRowError, match="all 256 rows of shared memory are taken: run fewer workers"):
        workers.take()
    workers.free(rows[7])
    assert workers.take() == rows[7]


def test_more_buckets_than_fit_are_refused() -> None:
    """A histogram whose sum would fall among its buckets is not made."""
    with pytest.raises(ValueError, match="sizes: 23 buckets, and room for 22"):
        Histogram("sizes", "Sizes.", buckets=range(23))


def test_what_is_not_used_costs_no_memory() -> None:
    """The memory for all rows is only taken when it is written; to read all does not take it."""
    before = shared_kb()
    table = SeriesTable()
    hits(table).inc()
    assert counted(table) == {(): 1}
    assert shared_kb() - before < 100
    assert table.numbers.nbytes > 20e6


def shared_kb() -> int:
    """Return how much shared memory this process has in use, in kB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssShmem"))
