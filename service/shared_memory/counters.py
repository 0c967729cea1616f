"""Counters and histograms in memory that all workers share: no file, and no lock between processes.

    row       of the worker table: each process writes its own; row 0 belongs to a process that is no worker
    slot      a row's numbers of one series: a metric with one value for each of its labels
    names     of a row: which series its slots hold, in order, each appended when it is first used

A metric's value is the sum over all rows. A worker that exits leaves its row as it is, and the next worker
in that row goes on counting in it: nothing has to be merged, and nothing is lost. A number is eight bytes
at an address that is a multiple of eight; 64-bit processors read and write it at once, so a reader sees it
before or after a change, never half of it. A reader may see an observation in its bucket and not yet in the
sum.

A row has a fixed number of slots, and labels come from fixed sets, so the slots suffice. Should they ever
not, what finds no slot is counted in `digits_uncounted_events_total`, and the log says so.
"""

import json
import logging
import math
import mmap
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import add
from threading import RLock
from typing import Any

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from service.shared_memory.worker_table import ROWS, shared_integers

# Slots of a row: the service has about a hundred series. Memory that is never touched costs nothing.
SLOTS, NAMES_BYTES = 512, 2**16
# Numbers in a slot: a counter's is the first; a histogram's buckets come first, and its sum is the last.
WIDTH = 24
# Threads of a process write the same row, and `+=` takes several steps. Reentrant: the log counts, too.
_lock = RLock()


class Series:
    """One series: a metric with one value for each of its labels."""

    numbers: "memoryview[float]"

    def __init__(self, bounds: Sequence[float] = ()) -> None:
        """Have a bucket up to each bound of a histogram, the bound included, and one above the last."""
        self.bounds = bounds

    def inc(self) -> None:
        """Add one to a counter."""
        with _lock:
            self.numbers[0] += 1

    def observe(self, value: float) -> None:
        """Count a value in its own bucket alone: buckets become cumulative when they are read."""
        bucket = bisect_left(self.bounds, value)
        with _lock:
            self.numbers[bucket] += 1
            self.numbers[-1] += value


class SeriesTable:
    """The shared memory; one row of it is this process's.

    >>> table, hits = SeriesTable(), Series()
    >>> table.add(["hits", "7"], hits); hits.inc()
    >>> table.enter(3); hits.inc(); hits.inc()
    >>> {labels: numbers[0] for labels, numbers in table.read()["hits"].items()}
    {('7',): 3.0}
    """

    def __init__(self) -> None:
        """Share memory with the processes that are forked from here on; this process counts in row 0."""
        # The slot behind a row's own slots takes the events of series that found none.
        self.numbers = memoryview(mmap.mmap(-1, 8 * ROWS * (SLOTS + 1) * WIDTH)).cast("d")
        self.names = mmap.mmap(-1, ROWS * NAMES_BYTES)
        # How many bytes of a row's names are valid: read before the names, written after them.
        self.names_end = shared_integers(ROWS)
        self.series: list[tuple[str, Series]] = []
        self.enter(0)

    def enter(self, row: int) -> None:
        """Count in this row from here on, and go on with what is in it."""
        self.row = row
        self.slots = {line: slot for slot, line in enumerate(self._lines(row))}
        for line, series in self.series:
            series.numbers = self._find(line)

    def add(self, names: Sequence[str], series: Series) -> None:
        """Give a series, named by its metric and its labels' values, a slot in this process's row."""
        line = json.dumps(names)
        with _lock:
            series.numbers = self._find(line)
            self.series.append((line, series))

    def read(self) -> dict[str, dict[tuple[str, ...], list[float]]]:
        """Return the numbers of each series, summed over the rows, by metric and labels' values."""
        found: dict[str, dict[tuple[str, ...], list[float]]] = {}
        for row in self._used_rows():
            for slot, line in enumerate(self._lines(row)):
                name, *labels = json.loads(line)
                series, numbers = found.setdefault(name, {}), self._slot(row, slot).tolist()
                series[tuple(labels)] = [*map(add, numbers, series.get(tuple(labels), [0.0] * WIDTH))]
        return found

    def uncounted_events(self) -> float:
        """Return how many events belonged to series that found no slot, over all rows."""
        return sum(sum(self._slot(row, SLOTS)[:-1]) for row in self._used_rows())

    def _used_rows(self) -> list[int]:
        """Return the rows that have series: reading memory that was never written would allocate it."""
        return [row for row, end in enumerate(self.names_end) if end]

    def _lines(self, row: int) -> list[str]:
        begin = row * NAMES_BYTES
        return self.names[begin : begin + self.names_end[row]].decode().splitlines()

    def _slot(self, row: int, slot: int) -> "memoryview[float]":
        begin = (row * (SLOTS + 1) + slot) * WIDTH
        return self.numbers[begin : begin + WIDTH]

    def _find(self, line: str) -> "memoryview[float]":
        """Return a series' slot in this row: its own, the next free one, or else the slot for the rest."""
        if line not in self.slots:
            data, end = f"{line}\n".encode(), self.names_end[self.row]
            if len(self.slots) == SLOTS or end + len(data) > NAMES_BYTES:
                logging.getLogger(__name__).error("no shared memory is left to count %s", line)
                return self._slot(self.row, SLOTS)
            begin = self.row * NAMES_BYTES + end
            self.names[begin : begin + len(data)] = data
            self.names_end[self.row] += len(data)
            self.slots[line] = len(self.slots)
        return self._slot(self.row, self.slots[line])


SERIES = SeriesTable()


class _Metric:
    """A metric: its name, its help text, its labels' names, and its series by the labels' values."""

    family: type[CounterMetricFamily | HistogramMetricFamily]

    def __init__(
        self, name: str, text: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = ()
    ) -> None:
        """Have no series yet; buckets are ascending upper bounds, each included in its bucket.

        Raises ValueError for more buckets than a slot has numbers, the last bucket and the sum included.
        """
        if len(buckets) + 2 > WIDTH:
            raise ValueError(f"{name}: {len(buckets)} buckets, and room for {WIDTH - 2}")
        self.name, self.text, self.label_names, self.buckets = name, text, labels, buckets
        self.series: dict[tuple[object, ...], Series] = {}
        COLLECTOR.metrics.append(self)

    def labels(self, *values: object) -> Series:
        """Return the series with these values, one for each label; from here on it is exposed."""
        series = self.series.get(values)
        if series is None:
            series = Series(self.buckets)
            SERIES.add([self.name, *map(str, values)], series)
            # Published last: another thread that finds it can count with it.
            self.series[values] = series
        return series

    def sample(self, numbers: Sequence[float]) -> tuple[Any, ...]:
        """Return what is exposed of a series, given its numbers: a counter's value by default."""
        return (numbers[0],)


class Counter(_Metric):
    """A counter, exposed as NAME_total."""

    family = CounterMetricFamily


class Histogram(_Metric):
    """A histogram, exposed as NAME_bucket, NAME_count and NAME_sum."""

    family = HistogramMetricFamily

    def sample(self, numbers: Sequence[float]) -> tuple[Any, ...]:
        """Return the cumulative buckets and the sum."""
        bounds = map(floatToGoString, (*self.buckets, math.inf))
        return [*zip(bounds, accumulate(numbers), strict=False)], numbers[-1]


class Collector:
    """All counters and histograms of the service, for prometheus_client to collect."""

    def __init__(self) -> None:
        """Know no metric yet."""
        self.metrics: list[_Metric] = []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics that have a series, summed over all rows."""
        found = SERIES.read()
        for metric in self.metrics:
            family = metric.family(metric.name, metric.text, labels=metric.label_names)
            for values, numbers in found.get(metric.name, {}).items():
                family.add_metric(values, *metric.sample(numbers))
            if family.samples:
                yield family
        text = "Events that shared memory had no slot to count in; more than 0 is a fault of the service."
        yield CounterMetricFamily("digits_uncounted_events", text, SERIES.uncounted_events())


COLLECTOR = Collector()
