"""prometheus_client counts, in its mode for several processes: in files, in PROMETHEUS_MULTIPROC_DIR."""

from typing import Self

import prometheus_client
from prometheus_client.multiprocess import MultiProcessCollector

from benchmarks.serving.ablation.pieces import replace


class Counter(prometheus_client.Counter):
    """A counter whose only series, where there are no labels, is found by labels(), as the service does."""

    def labels(self, *values: object, **named: object) -> Self:
        """Return the series of these values."""
        return super().labels(*values, **named) if values else self


class Histogram(prometheus_client.Histogram):
    """A histogram whose only series, where there are no labels, is found by labels(), as the service does."""

    def labels(self, *values: object, **named: object) -> Self:
        """Return the series of these values."""
        return super().labels(*values, **named) if values else self


def apply() -> None:
    """Replace the classes before the metrics are made of them."""
    replace("counter", Counter)
    replace("histogram", Histogram)
    replace("collector", MultiProcessCollector(None))
