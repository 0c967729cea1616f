"""Overload: what a worker says when too many requests wait already, before it has worked on this one."""

from service import metrics
from service.browsers import Browsers
from service.heads import Head
from service.problems import Problem, as_bytes
from service.requestlog import RequestLog, named

SENTENCE = "Too many requests are waiting: try again after the seconds in the header Retry-After."


def turn_away(head: Head, log: RequestLog, browsers: Browsers, *, last: bool) -> bytes:
    """Count and log a request that is turned away, and return the answer; `last` ends the connection."""
    problem, entry = Problem("overloaded", SENTENCE), named(head.fields)
    metrics.count_turned_away(problem)
    answered = {"method": "POST", "route": metrics.UNMATCHED, "status": problem.status.value, "ms": 0.0}
    log.write(entry, head.fields, answered)
    headers = problem.headers() | {"X-Request-Id": entry["request"]}
    headers |= dict(browsers.sharing(head.fields, []))
    if last:
        headers["Connection"] = "close"
    return as_bytes(problem.status, problem.document(head.path), headers)
