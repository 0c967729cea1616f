"""Overload: what a worker says when too many requests wait already, before it has worked on this one."""

from service import metrics
from service.problems import Problem, as_bytes

SENTENCE = "Too many requests are waiting: try again after the seconds in the header Retry-After."


def turn_away(path: str) -> bytes:
    """Count a request that is turned away, and return the answer to it."""
    problem = Problem("overloaded", SENTENCE)
    metrics.count_turned_away(problem)
    return as_bytes(problem.status, problem.document(path), problem.headers())
