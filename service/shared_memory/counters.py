"""Counters and histograms in memory that all workers share: no file, and no lock between processes.

    row       one for each worker's place (loads.py), written by it alone; row 0 for a process that is none
    slot      a row's numbers of one series: of a metric, with one value for each of its labels
    names     of a row: which series its slots are of, in their order, each added when it is first used

A count is what all rows together say. A worker that is gone leaves its row as it is, and the next one in its
place goes on with it: there is nothing to merge, and nothing gets lost. A number is eight bytes at an address
that eight divides, which 64-bit processors write and read in one go: a reader sees it before or after, never
half of it. It may see an observation in its bucket and not yet in the sum, which does no harm.
"""

import json
import math
import mmap
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from operator import add
from threading import Lock
from typing import Generic, TypeVar

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from service.shared_memory.worker_table import PLACES

ROWS = PLACES + 1
# Of a row: the service has about a hundred series. Memory that is never touched costs nothing.
SLOTS, NAMES_BYTES = 512, 2**16
# Numbers in a slot: a counter's is the first; a histogram's buckets come first, and its sum is the last.
WIDTH = 24
# Threads of a process write the same row, and `+=` is three steps: nothing says that none comes in between.
_lock = Lock()


class Count:
    """A series of a counter."""

    numbers: "memoryview[float]"

    def inc(self) -> None:
        """Count one more."""
        with _lock:
            self.numbers[0] += 1


class Observations:
    """A series of a histogram: how many amounts fell in each bucket, and their sum."""

    numbers: "memoryview[float]"

    def __init__(self, bounds: Sequence[float]) -> None:
        """Have a bucket up to each bound, and one for what is beyond."""
        self.bounds = bounds

    def observe(self, amount: float) -> None:
        """Count an amount in its own bucket alone: they are added up when they are read."""
        bucket = bisect_left(self.bounds, amount)
        with _lock:
            self.numbers[bucket] += 1
            self.numbers[-1] += amount


Series = Count | Observations


class Rows:
    """The memory, shared with the processes that are forked from here on; one row of it is this process's.

    >>> rows, hits = Rows(), Count()
    >>> rows.add(["hits", "7"], hits); hits.inc()
    >>> rows.enter(3); hits.inc(); hits.inc()
    >>> {values: numbers[0] for values, numbers in rows.read()["hits"].items()}
    {('7',): 3.0}
    """

    def __init__(self) -> None:
        """Begin in row 0, with nothing counted."""
        self.numbers = memoryview(mmap.mmap(-1, 8 * ROWS * SLOTS * WIDTH)).cast("d")
        self.names = mmap.mmap(-1, ROWS * NAMES_BYTES)
        # How many bytes of a row's names are written: read before them, set after them.
        self.written = memoryview(mmap.mmap(-1, 8 * ROWS)).cast("q")
        self.series: list[tuple[str, Series]] = []
        self.enter(0)

    def enter(self, row: int) -> None:
        """Count in a row from here on, and go on with what is in it."""
        self.row = row
        self.slots = {line: slot for slot, line in enumerate(self._lines(row))}
        for line, series in self.series:
            series.numbers = self._find(line)

    def add(self, names: Sequence[str], series: Series) -> None:
        """Let a series, named by its metric and its labels' values, count in this process's row."""
        line = json.dumps(names)
        with _lock:
            series.numbers = self._find(line)
            self.series.append((line, series))

    def read(self) -> dict[str, dict[tuple[str, ...], list[float]]]:
        """Return the numbers of each series, summed over the rows, by its metric and its labels' values."""
        found: dict[str, dict[tuple[str, ...], list[float]]] = {}
        for row, written in enumerate(self.written):
            # Even to read what was never written would make it cost memory.
            for slot, line in enumerate(self._lines(row) if written else ()):
                name, *values = json.loads(line)
                series, numbers = found.setdefault(name, {}), self._slot(row, slot).tolist()
                series[tuple(values)] = [*map(add, numbers, series.get(tuple(values), [0.0] * WIDTH))]
        return found

    def _lines(self, row: int) -> list[str]:
        begin = row * NAMES_BYTES
        return self.names[begin : begin + self.written[row]].decode().splitlines()

    def _slot(self, row: int, slot: int) -> "memoryview[float]":
        begin = (row * SLOTS + slot) * WIDTH
        return self.numbers[begin : begin + WIDTH]

    def _find(self, line: str) -> "memoryview[float]":
        """Return the slot of a series in this process's row, the next free one if it has none.

        Where none is free, one outside, that nobody reads: should labels ever not come from fixed sets,
        memory stays bounded and no request fails.
        """
        if line not in self.slots:
            data, written = f"{line}\n".encode(), self.written[self.row]
            if len(self.slots) == SLOTS or written + len(data) > NAMES_BYTES:
                return memoryview(bytearray(8 * WIDTH)).cast("d")
            begin = self.row * NAMES_BYTES + written
            self.names[begin : begin + len(data)] = data
            self.written[self.row] += len(data)
            self.slots[line] = len(self.slots)
        return self._slot(self.row, self.slots[line])


SHARED = Rows()
Kind = TypeVar("Kind", bound=Series)


class _Labelled(Generic[Kind]):
    """A metric: its name, what it says, the names of its labels, and its series by their values."""

    def __init__(self, name: str, text: str, labels: Sequence[str], new: Callable[[], Kind]) -> None:
        self.name, self.text, self.label_names, self.new = name, text, labels, new
        self.series: dict[tuple[object, ...], Kind] = {}

    def labels(self, *values: object) -> Kind:
        """Return the series with these values, one for each label; from here on it is exposed."""
        series = self.series.get(values)
        if series is None:
            series = self.new()
            SHARED.add([self.name, *map(str, values)], series)
            # Only now may another thread find it.
            self.series[values] = series
        return series


class Counter(_Labelled[Count]):
    """A metric whose series are counted up; exposed as NAME_total."""

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        """Have no series yet."""
        super().__init__(name, text, labels, Count)
        COUNTS.metrics.append(self)

    def family(self, series: Mapping[tuple[str, ...], Sequence[float]]) -> Metric:
        """Return what is exposed of it, given the numbers of all rows by labels' values."""
        family = CounterMetricFamily(self.name, self.text, labels=self.label_names)
        for values, numbers in series.items():
            family.add_metric(values, numbers[0])
        return family


class Histogram(_Labelled[Observations]):
    """A metric whose series are of amounts; exposed as NAME_bucket, NAME_count and NAME_sum."""

    def __init__(self, name: str, text: str, labels: Sequence[str] = (), *, buckets: Sequence[float]) -> None:
        """Have no series yet; buckets are upper bounds, in order, that belong to their bucket.

        Raises ValueError for more than a slot has numbers for, one beyond and the sum included.
        """
        if len(buckets) + 2 > WIDTH:
            raise ValueError(f"{name}: {len(buckets)} buckets, and room for {WIDTH - 2}")
        super().__init__(name, text, labels, partial(Observations, buckets))
        self.bounds = (*buckets, math.inf)
        COUNTS.metrics.append(self)

    def family(self, series: Mapping[tuple[str, ...], Sequence[float]]) -> Metric:
        """Return what is exposed of it, given the numbers of all rows by labels' values."""
        family = HistogramMetricFamily(self.name, self.text, labels=self.label_names)
        names = [*map(floatToGoString, self.bounds)]
        for values, numbers in series.items():
            up_to = accumulate(numbers[: len(names)])
            family.add_metric(values, [*zip(names, up_to, strict=True)], numbers[-1])
        return family


class Counts:
    """All counters and histograms of the service, for prometheus_client to collect."""

    def __init__(self) -> None:
        """Know of none yet."""
        self.metrics: list[Counter | Histogram] = []

    def collect(self) -> Iterator[Metric]:
        """Yield those that have a series, summed over all rows."""
        found = SHARED.read()
        for metric in self.metrics:
            if series := found.get(metric.name):
                yield metric.family(series)


COUNTS = Counts()
