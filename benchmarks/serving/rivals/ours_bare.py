"""The service of this project with metrics that count nothing, to see what they cost."""

from prometheus_client import Counter, Histogram

from service.app import create_app


def _count_nothing(*_: object) -> None:
    """Leave a number as it is."""


# Only for this process, whose workers are forked from it.
Histogram.observe = _count_nothing  # type: ignore[method-assign,assignment]  # on purpose
Counter.inc = _count_nothing  # type: ignore[method-assign,assignment]  # on purpose
app = create_app()
