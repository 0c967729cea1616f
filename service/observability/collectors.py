"""Metrics that are computed when /metrics is scraped, because nothing needs to count them.

workers        from the worker table: workers, exits, failed starts, requests in flight
processes      from /proc: processor time and memory of the master and its workers
build, model   from the version and the weights file's metadata
"""

import math
import os
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from models.baseline import CONFIDENCES, INK_FRACTIONS
from models.store import Model
from service import __version__
from service.shared_memory.worker_table import WORKERS

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name, in ticks: user and system time, then those of children that exited.
OWN, EXITED = slice(11, 13), slice(13, 15)
PSS = re.compile(r"^Pss: +(\d+) kB", re.MULTILINE)


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

    def __init__(self) -> None:
        """Watch this process and its children."""
        self.master = str(os.getpid())

    def collect(self) -> Iterator[Metric]:
        """Yield processor time, that of exited workers included, and memory, shared pages counted once."""
        if not PROC.exists():
            return
        children = _read(f"{self.master}/task/{self.master}/children").split()
        ticks = _ticks(self.master, OWN) + _ticks(self.master, EXITED)
        seconds = (ticks + sum(_ticks(child, OWN) for child in children)) / TICKS
        memory = sum(map(_memory_bytes, [self.master, *children]))
        text = "Processor time of all processes, exited ones included."
        yield CounterMetricFamily("digits_process_cpu_seconds", text, seconds)
        text = "Memory of all processes, shared pages counted once."
        yield GaugeMetricFamily("digits_process_resident_memory_bytes", text, memory)


def _read(name: str) -> str:
    """Return a file in /proc; nothing if its process has exited."""
    try:
        return (PROC / name).read_text(encoding="utf-8")
    except OSError:
        return ""


def _ticks(process: str, which: slice) -> int:
    """Return a process's processor time in ticks."""
    return sum(map(int, _read(f"{process}/stat").rpartition(")")[2].split()[which]))


def _memory_bytes(process: str) -> int:
    """Return a process's proportional set size."""
    return 1024 * sum(int(size) for size in PSS.findall(_read(f"{process}/smaps_rollup")))


def register_constants(registry: CollectorRegistry, model: Model | None) -> None:
    """Register what never changes: the build, the model, and its answers on the validation images."""

    def gauge(name: str, text: str, /, **labels: str) -> None:
        Gauge(name, text, labels, registry=registry).labels(**labels).set(1)

    gauge(
        "digits_build_info", "The service; always 1.", version=__version__, python=platform.python_version()
    )
    if model is None:
        return
    about = {key: model.metadata[key] for key in ("name", "version", "sha256")}
    gauge("digits_model_info", "The model in service; always 1.", **about)
    if "baseline" in model.metadata:
        registry.register(Baseline(model.metadata["baseline"]))


class Baseline:
    """The distribution of the model's answers on the validation images."""

    def __init__(self, shares: Mapping[str, Any]) -> None:
        """Take the shares from the weights file's metadata."""
        self.shares = shares

    def collect(self) -> Iterator[Metric]:
        """Yield shares by digit, confidence and ink, and the share of abstentions."""
        where = "on the validation images"
        name, text = "digits_baseline_predictions", f"Share of each digit {where}."
        digits = GaugeMetricFamily(name, text, labels=["digit"])
        for digit, share in enumerate(self.shares["predictions"]):
            digits.add_metric([str(digit)], share)
        yield digits
        for part, bounds in (("confidence", CONFIDENCES), ("ink_fraction", INK_FRACTIONS)):
            # A histogram whose count is 1: only the shares matter here, not how many images there were.
            buckets = [
                *zip(map(floatToGoString, (*bounds, math.inf)), (*self.shares[part], 1.0), strict=True)
            ]
            text = f"Share up to each bound {where}."
            yield HistogramMetricFamily(f"digits_baseline_{part}", text, buckets, None)
        text = f"Share of abstentions {where}."
        yield GaugeMetricFamily("digits_baseline_abstentions", text, self.shares["abstentions"])
