"""Server-Timing: the header in which each response says how long each stage of it took, in milliseconds.

    Server-Timing: decode;dur=0.03, normalise;dur=0.05, forward;dur=0.21, encode;dur=0.04, total;dur=0.36

Browsers' developer tools show it. The stages are those of the metrics and the log. Source: W3C, Server
Timing.
"""

from time import perf_counter

from service.observability.request_log import Entry

HEADER = "Server-Timing"
# For responses that are made before any work is done.
NO_TIME = "total;dur=0"


def server_timing(entry: Entry, began: float) -> str:
    """Return the header's value for a request that began at that perf_counter.

    >>> server_timing({"request": "a", "stages": {"decode": 0.03}}, perf_counter())
    'decode;dur=0.03, total;dur=0.0...'
    """
    total = 1000 * (perf_counter() - began)
    stages = [f"{name};dur={ms}" for name, ms in entry.get("stages", {}).items()]
    return ", ".join([*stages, f"total;dur={total:.3f}"])
