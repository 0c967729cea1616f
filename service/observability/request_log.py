"""The request log: one line on standard output for each request, with its id, outcome and duration.

    {"time": "2026-11-24T12:00:00.123Z", "level": "info", "request": "5f0c…", "method": "POST",
     "route": "/predict", "status": 200, "ms": 0.31, "bytes": 302, "images": 1, "digit": 7, …}

A request's id is the client's X-Request-Id, if that has a plain form, or else a random one. The response
carries it, and so does every other log line that the request causes. The trace id comes from the client's
traceparent (W3C Trace Context). What a client sent is escaped and cut; no image, path, file name or key is
logged.
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

# The environ's key of a request's log entry; the views add fields to it.
ENTRY = "digits.entry"
MAX_USER_AGENT = 200
REQUEST_ID = re.compile(r"[-.0-9A-Za-z_]{1,64}", re.ASCII)
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
Entry = dict[str, Any]


def new_entry(environ: Mapping[str, Any]) -> Entry:
    """Return a log entry with the request's id, and its trace id if the client sent one.

    >>> new_entry({"HTTP_X_REQUEST_ID": "a-1"}), len(new_entry({"HTTP_X_REQUEST_ID": "a b"})["request"])
    ({'request': 'a-1'}, 16)
    """
    given = environ.get("HTTP_X_REQUEST_ID")
    # Random, not secret; the generator is seeded anew in each worker.
    entry = {"request": given if given and REQUEST_ID.fullmatch(given) else f"{getrandbits(64):016x}"}  # nosec B311
    if trace := TRACEPARENT.fullmatch(environ.get("HTTP_TRACEPARENT", "")):
        entry["trace"] = trace[1]
    return entry


class RequestLog:
    """Writes a line for each request, in the configured format, unless DIGITS_LOG_REQUESTS is no."""

    def __init__(self, settings: Settings) -> None:
        """Follow the settings."""
        self.enabled = settings.log_requests == "yes"
        self.as_text = settings.log_format == "text"

    def write(self, entry: Entry, environ: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        """Write a line; the outcome has method, route, status and ms."""
        if not self.enabled:
            return
        now = time()
        line = {
            "time": f"{_second(int(now))}.{int(now % 1 * 1000):03d}Z",
            "level": "error" if outcome["status"] >= 500 else "info",
            **entry,
            **outcome,
            "bytes": environ.get("CONTENT_LENGTH", "0"),
            "agent": environ.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT],
        }
        write(_as_text(line) if self.as_text else json.dumps(line))


def _as_text(line: Entry) -> str:
    """Format a line for people: names and values, each value as JSON.

    >>> _as_text({"time": "12:00", "level": "info", "status": 200, "agent": "a b"})
    '12:00 INFO    status=200 agent="a b"'
    """
    time, level, *rest = line
    pairs = (f"{name}={json.dumps(line[name])}" for name in rest)
    return f"{line[time]} {line[level].upper():7} {' '.join(pairs)}"


@lru_cache(2)
def _second(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))
