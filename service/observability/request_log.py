"""One line a request on standard output: what was answered, how long it took, and by what name to find it.

    {"time": "2026-11-24T12:00:00.123Z", "level": "info", "request": "5f0c…", "method": "POST",
     "route": "/predict", "status": 200, "ms": 0.31, "bytes": 302, "images": 1, "digit": 7, …}

A request's name is the client's X-Request-Id, if it is a plain one, or made up here; the answer has it, and
so has every other line of the log that the request causes. The trace is that of the client's traceparent
(W3C Trace Context). What a client says stands escaped and cut; no image, path, file name or key is in it.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from random import getrandbits
from time import gmtime, strftime, time
from typing import Any

from service.observability.nonblocking_stdout import write
from service.settings import Settings

# Where a request's entry is in its environ: whoever answers it adds to it.
ENTRY = "digits.entry"
MOST_AGENT = 200
NAME = re.compile(r"[-.0-9A-Za-z_]{1,64}", re.ASCII)
TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
Entry = dict[str, Any]


def named(environ: Mapping[str, Any]) -> Entry:
    """Return a new entry, with the request's name, and its trace's if it has one.

    >>> named({"HTTP_X_REQUEST_ID": "a-1"}), len(named({"HTTP_X_REQUEST_ID": "a b"})["request"])
    ({'request': 'a-1'}, 16)
    """
    given = environ.get("HTTP_X_REQUEST_ID")
    # Random, not secret; the generator is seeded anew in each worker.
    entry = {"request": given if given and NAME.fullmatch(given) else f"{getrandbits(64):016x}"}  # nosec B311
    if trace := TRACE.fullmatch(environ.get("HTTP_TRACEPARENT", "")):
        entry["trace"] = trace[1]
    return entry


class RequestLog:
    """Writes the lines, if they are wanted, in the format that is."""

    def __init__(self, settings: Settings) -> None:
        """Follow the settings."""
        self.wanted = settings.log_requests == "yes"
        self.as_text = settings.log_format == "text"

    def write(self, entry: Entry, environ: Mapping[str, Any], answered: Mapping[str, Any]) -> None:
        """Write a line; `answered` has method, route, status and ms."""
        if not self.wanted:
            return
        now = time()
        line = {
            "time": f"{_second(int(now))}.{int(now % 1 * 1000):03d}Z",
            "level": "error" if answered["status"] >= 500 else "info",
            **entry,
            **answered,
            "bytes": environ.get("CONTENT_LENGTH", "0"),
            "agent": environ.get("HTTP_USER_AGENT", "")[:MOST_AGENT],
        }
        write(_as_text(line) if self.as_text else json.dumps(line))


def _as_text(line: Entry) -> str:
    """Write a line for people: names and values, each value as JSON has it.

    >>> _as_text({"time": "12:00", "level": "info", "status": 200, "agent": "a b"})
    '12:00 INFO    status=200 agent="a b"'
    """
    time, level, *rest = line
    pairs = (f"{name}={json.dumps(line[name])}" for name in rest)
    return f"{line[time]} {line[level].upper():7} {' '.join(pairs)}"


@lru_cache(2)
def _second(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))
