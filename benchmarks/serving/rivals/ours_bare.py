"""The service of this project with metrics that count nothing, to see what they cost."""

from service.app import create_app
from service.shared_memory.counters import CounterSeries, HistogramSeries


def _count_nothing(*_: object) -> None:
    """Leave a number as it is."""


# To leave out what counting costs is this rival's whole point; only here and in the workers forked from here.
HistogramSeries.observe = _count_nothing  # type: ignore[method-assign,assignment]  # see above
CounterSeries.inc = _count_nothing  # type: ignore[method-assign,assignment]  # see above
app = create_app()
