"""The service of this project with metrics that count nothing, to see what they cost."""

from service.app import create_app
from service.shared_memory.counters import Count, Observations


def _count_nothing(*_: object) -> None:
    """Leave a number as it is."""


# To leave out what counting costs is this rival's whole point; only here and in the workers forked from here.
Observations.observe = _count_nothing  # type: ignore[method-assign,assignment]  # see above
Count.inc = _count_nothing  # type: ignore[method-assign,assignment]  # see above
app = create_app()
