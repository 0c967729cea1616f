"""Metrics that are read when they are asked for: no worker need count them.

in flight      from the memory that the workers share (loads.py)
processes      from the system: the master's and its workers' processor time and memory
build, model   from what was loaded
"""

import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from models.baseline import CONFIDENCES, INK_FRACTIONS
from models.store import Model
from service import __version__
from service.shared_memory.worker_table import LOADS

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# In /proc/PID/stat, behind the name: processor time in ticks, as user and in the system; then the same of
# children that have ended.
OWN, ENDED = slice(11, 13), slice(13, 15)


class Workers:
    """The workers, and the requests in flight."""

    def collect(self) -> Iterator[Metric]:
        """Yield what the workers share."""
        name, text = "digits_in_flight_requests", "Requests that are whole and not yet answered."
        yield GaugeMetricFamily(name, text, LOADS.requests())
        yield GaugeMetricFamily("digits_workers", "Workers that are there.", LOADS.workers())
        yield CounterMetricFamily(
            "digits_worker_exits", "Workers that ended, for whatever reason.", LOADS.exits()
        )


class Processes:
    """What the system says of the master and its workers; nothing where there is no /proc."""

    def __init__(self, master: int) -> None:
        """Speak of a process and its children."""
        self.master = master

    def collect(self) -> Iterator[Metric]:
        """Yield processor time, of workers that ended too, and memory, what they share counted once."""
        try:
            children = (
                (PROC / f"{self.master}/task/{self.master}/children").read_text(encoding="ascii").split()
            )
            own = _ticks(str(self.master), OWN) + _ticks(str(self.master), ENDED)
        except OSError:
            return
        seconds = (own + sum(_ticks(child, OWN) for child in children)) / TICKS
        memory = sum(_memory_bytes(process) for process in [str(self.master), *children])
        text = "Processor time of all processes, those that ended included."
        yield CounterMetricFamily("digits_process_cpu_seconds", text, seconds)
        text = "Memory of all processes, what they share counted once."
        yield GaugeMetricFamily("digits_process_resident_memory_bytes", text, memory)


def _ticks(process: str, which: slice) -> int:
    """Return a process's processor time; 0 for one that is gone."""
    try:
        fields = (PROC / process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[which]))


def _memory_bytes(process: str) -> int:
    """Return a process's proportional set size; 0 for one that is gone."""
    try:
        lines = (PROC / process / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


class About:
    """What was built, what is in service, and how its answers were distributed where it was chosen."""

    def __init__(self, model: Model | None) -> None:
        """Speak of a model, if there is one."""
        self.model = model

    def collect(self) -> Iterator[Metric]:
        """Yield what does not change."""
        build = [__version__, platform.python_version()]
        yield _labelled("digits_build_info", "The service; always 1.", ["version", "python"], [(build, 1.0)])
        if self.model is None:
            return
        about, names = self.model.metadata, ["name", "version", "sha256"]
        this = [about[name] for name in names]
        yield _labelled("digits_model_info", "The model in service; always 1.", names, [(this, 1.0)])
        if "baseline" in about:
            yield from _baseline(about["baseline"])


def _baseline(baseline: Mapping[str, Any]) -> Iterator[Metric]:
    where = "on the images that the model was chosen on"
    digits = [([str(digit)], share) for digit, share in enumerate(baseline["predictions"])]
    yield _labelled("digits_baseline_predictions", f"Share of each digit {where}.", ["digit"], digits)
    for name, bounds in (("confidence", CONFIDENCES), ("ink_fraction", INK_FRACTIONS)):
        upper = [floatToGoString(bound) for bound in (*bounds, math.inf)]
        shares = list(zip(upper, (*baseline[name], 1.0), strict=True))
        # A histogram of one: how many of a thing there were is no matter here, nor is their sum.
        text = f"Share up to each bound {where}."
        yield HistogramMetricFamily(f"digits_baseline_{name}", text, shares, None)
    text = f"Share abstained on {where}."
    yield GaugeMetricFamily("digits_baseline_abstentions", text, baseline["abstentions"])


def _labelled(
    name: str, text: str, labels: list[str], values: Iterable[tuple[list[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family
