"""The service of this project with metrics that count nothing, to see what they cost."""

from service.app import create_app
from service.counts import Count, Observations


def _count_nothing(*_: object) -> None:
    """Leave a number as it is."""


# Only for this process, whose workers are forked from it.
Observations.observe = _count_nothing  # type: ignore[method-assign,assignment]  # on purpose
Count.inc = _count_nothing  # type: ignore[method-assign,assignment]  # on purpose
app = create_app()
