"""Samples of what the service uses: memory, descriptors, threads, files, processor time."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.serving import processes
from benchmarks.serving.processes import PROC
from benchmarks.torture.client import Client
from benchmarks.torture.service import Service


class Sample(NamedTuple):
    """What all processes of the service use together, and what the client has counted so far.

    pss_mb counts shared memory once, rss_mb once in each process; files are those in the service's TMPDIR.
    """

    seconds: float
    pss_mb: float
    rss_mb: float
    descriptors: int
    threads: int
    files: int
    processor_seconds: float
    answered: int
    ok: int
    rejected: int
    other_5xx: int
    cut_off: int


class Sampler:
    """Takes samples of a service, from now on."""

    def __init__(self, service: Service, client: Client) -> None:
        """Take the first sample."""
        self.service, self.client = service, client
        self.began = time.monotonic()
        self.samples: list[Sample] = []
        self.take()

    def take(self) -> Sample:
        """Take another sample."""
        family = processes.tree(self.service.process.pid)
        self.samples.append(
            Sample(
                round(time.monotonic() - self.began, 1),
                round(processes.memory_megabytes(self.service.process.pid), 2),
                round(sum(_resident_kilobytes(member) for member in family) / 1000, 2),
                sum(_entries(member, "fd") for member in family),
                sum(_entries(member, "task") for member in family),
                sum(1 for _ in self.service.folder.iterdir()),
                round(sum(processes.processor_seconds(self.service.process.pid).values()), 2),
                self.client.answered,
                self.client.of_status(200),
                self.client.of_status(503),
                self.client.failed(),
                len(self.client.cut_off),
            )
        )
        return self.samples[-1]

    def until(self, seconds: float, every: float) -> None:
        """Take a sample every so often, until `seconds` have passed since the first one."""
        while (left := self.began + seconds - time.monotonic()) > 0:
            time.sleep(min(every, left))
            self.take()


def _entries(process: int, folder: str) -> int:
    try:
        return sum(1 for _ in (PROC / str(process) / folder).iterdir())
    except OSError:
        return 0


def _resident_kilobytes(process: int) -> float:
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) * 1.024 for line in lines if line.startswith("Rss:"))


def growth(samples: Sequence[Sample], name: str, skip: float = 0.1) -> float:
    """Return the relative growth of the median from the first half of the samples to the second.

    The first tenth is left out, because caches and counters fill then.

    >>> from types import SimpleNamespace
    >>> growth([SimpleNamespace(files=n) for n in (1, 4, 4, 4, 4, 4, 5, 5, 5, 5)], "files")
    0.25
    """
    values = [float(getattr(sample, name)) for sample in samples[int(skip * len(samples)) :]]
    middle = len(values) // 2
    first, second = median(values[:middle]), median(values[middle:])
    return (second - first) / first if first else second


def write(samples: Sequence[Sample], path: Path) -> None:
    """Write samples as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Sample._fields)
        writer.writerows(samples)


def read(path: Path) -> list[Sample]:
    """Read the samples of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Sample(*map(_number, row)) for row in list(csv.reader(file))[1:]]


def _number(text: str) -> Any:  # noqa: ANN401 - an int or a float, as it was
    return float(text) if "." in text else int(text)
