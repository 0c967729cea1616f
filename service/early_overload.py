"""Overload: what a worker says when too many requests wait already, before it has worked on this one."""

from service.access.security_headers import SecurityHeaders
from service.early_refusals import as_bytes
from service.observability import metrics
from service.observability.request_log import RequestLog, new_entry
from service.problems import OVERLOADED, Problem
from service.server.request_head import Head


def turn_away(head: Head, log: RequestLog, browsers: SecurityHeaders, *, last: bool) -> bytes:
    """Count and log a request that is turned away, and return the answer; `last` ends the connection."""
    problem, entry = Problem("overloaded", OVERLOADED), new_entry(head.fields)
    metrics.count_shed(problem)
    answered = {"method": "POST", "route": metrics.UNMATCHED, "status": problem.status.value, "ms": 0.0}
    log.write(entry, head.fields, answered)
    headers = problem.headers() | {"X-Request-Id": entry["request"]}
    headers |= dict(browsers.cors(head.fields, []))
    if last:
        headers["Connection"] = "close"
    return as_bytes(problem.status, problem.document(head.path), headers)
