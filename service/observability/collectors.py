"""Metrics that are computed when /metrics is scraped, because nothing needs to count them.

workers        from the worker table: workers, exits, failed starts, requests in flight
processes      from /proc: processor time and memory of the master and its workers
build, model   from the version and the weights file's metadata
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
from service.shared_memory.worker_table import WORKERS

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name, in ticks: user and system time, then those of children that exited.
OWN, EXITED = slice(11, 13), slice(13, 15)


class Workers:
    """The worker table."""

    def collect(self) -> Iterator[Metric]:
        """Yield workers, exits, failed starts, and requests in flight."""
        name, text = "digits_in_flight_requests", "Complete requests without a complete response."
        yield GaugeMetricFamily(name, text, WORKERS.requests_in_flight())
        yield GaugeMetricFamily("digits_workers", "Running workers.", WORKERS.workers())
        text = "Workers that exited, for whatever reason."
        yield CounterMetricFamily("digits_worker_exits", text, WORKERS.exits())
        text = "Failed attempts to start a worker: no process, memory or free row; the log has the reason."
        yield CounterMetricFamily("digits_worker_start_failures", text, WORKERS.failed_starts())


class Processes:
    """Processor time and memory of the master and its workers; nothing where there is no /proc."""

    def __init__(self, master: int) -> None:
        """Watch this process and its children."""
        self.master = master

    def collect(self) -> Iterator[Metric]:
        """Yield processor time, that of exited workers included, and memory, shared pages counted once."""
        try:
            children = (
                (PROC / f"{self.master}/task/{self.master}/children").read_text(encoding="ascii").split()
            )
            own = _ticks(str(self.master), OWN) + _ticks(str(self.master), EXITED)
        except OSError:
            return
        seconds = (own + sum(_ticks(child, OWN) for child in children)) / TICKS
        memory = sum(_memory_bytes(process) for process in [str(self.master), *children])
        text = "Processor time of all processes, exited ones included."
        yield CounterMetricFamily("digits_process_cpu_seconds", text, seconds)
        text = "Memory of all processes, shared pages counted once."
        yield GaugeMetricFamily("digits_process_resident_memory_bytes", text, memory)


def _ticks(process: str, which: slice) -> int:
    """Return a process's processor time in ticks; 0 if it has exited."""
    try:
        fields = (PROC / process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[which]))


def _memory_bytes(process: str) -> int:
    """Return a process's proportional set size; 0 if it has exited."""
    try:
        lines = (PROC / process / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


class About:
    """The build, the model in service, and the distribution of its answers on the validation images."""

    def __init__(self, model: Model | None) -> None:
        """Describe a model, if one was loaded."""
        self.model = model

    def collect(self) -> Iterator[Metric]:
        """Yield metrics that never change."""
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
    where = "on the validation images"
    digits = [([str(digit)], share) for digit, share in enumerate(baseline["predictions"])]
    yield _labelled("digits_baseline_predictions", f"Share of each digit {where}.", ["digit"], digits)
    for name, bounds in (("confidence", CONFIDENCES), ("ink_fraction", INK_FRACTIONS)):
        upper = [floatToGoString(bound) for bound in (*bounds, math.inf)]
        shares = list(zip(upper, (*baseline[name], 1.0), strict=True))
        # A histogram whose count is 1: only the shares matter here, not how many images there were.
        text = f"Share up to each bound {where}."
        yield HistogramMetricFamily(f"digits_baseline_{name}", text, shares, None)
    text = f"Share of abstentions {where}."
    yield GaugeMetricFamily("digits_baseline_abstentions", text, baseline["abstentions"])


def _labelled(
    name: str, text: str, labels: list[str], values: Iterable[tuple[list[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family
