"""Server-Timing: what each answer says of the time it took, for browsers' tools and whoever measures.

    Server-Timing: decode;dur=0.03, normalise;dur=0.05, forward;dur=0.21, encode;dur=0.04, total;dur=0.36

In milliseconds, the stages as they are in the metrics and the log. Source: W3C, Server Timing.
"""

from time import perf_counter

from service.observability.request_log import Entry

HEADER = "Server-Timing"
# What was answered before any work was done on it.
NONE = "total;dur=0"


def server_timing(entry: Entry, began: float) -> str:
    """Return the header's value for a request that began at that perf_counter.

    >>> server_timing({"request": "a", "stages": {"decode": 0.03}}, perf_counter())
    'decode;dur=0.03, total;dur=0.0...'
    """
    total = 1000 * (perf_counter() - began)
    stages = [f"{name};dur={ms}" for name, ms in entry.get("stages", {}).items()]
    return ", ".join([*stages, f"total;dur={total:.3f}"])
