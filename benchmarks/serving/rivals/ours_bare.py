"""The service itself, with metrics that count nothing, to measure what metrics cost."""

from service.app import create_app
from service.shared_memory.counters import Series


def _count_nothing(*_: object) -> None:
    """Count nothing."""


# The cost of counting is what this server leaves out, in this process and in the workers forked from it.
Series.observe = _count_nothing  # type: ignore[method-assign,assignment]  # see above
Series.inc = _count_nothing  # type: ignore[method-assign,assignment]  # see above
app = create_app()
