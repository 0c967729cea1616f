"""Checks before the race: each server reads the right digits, and wrk can read its responses."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.serving import payloads, wrk
from benchmarks.serving.payloads import Post
from benchmarks.serving.server import Server, ServerError, ask

WARM_UP_CONNECTIONS, WARM_UP_SECONDS = 32, 1


def check(server: Server, posts: Mapping[str, Post], digits: Sequence[int]) -> None:
    """Post every image in every form that the server takes, and compare the digits.

    Raises ServerError for a wrong digit.
    """
    if not server.entry.answers_digits:
        return
    for form, posted in posts.items():
        for number, body in enumerate(posted.bodies):
            status, answer = ask(server.port, posted, body)
            expected = [digits[number]]
            if form == "batch":
                first = payloads.BATCH_STARTS[number]
                expected = list(digits[first : first + payloads.BATCH])
            if digits_in(status, answer) != expected:
                message = (
                    f"{server.name}, {form}, body {number}: {expected} expected, {status} {answer[:200]!r}"
                )
                raise ServerError(message)


def digits_in(status: int, answer: bytes) -> list[int]:
    """Return the digits in a response of any of the servers; none if it is an error.

    >>> digits_in(200, b'{"digit": 7}'), digits_in(200, b'{"predictions": [{"digit": 1}, {"digit": 2}]}')
    ([7], [1, 2])
    >>> digits_in(200, b'{"outputs": [{"name": "digit", "data": [7]}]}'), digits_in(500, b"no")
    ([7], [])
    """
    if status != 200:
        return []
    document: dict[str, Any] = json.loads(answer)
    if "outputs" in document:
        return [output["data"][0] for output in document["outputs"] if output["name"] == "digit"]
    return [entry["digit"] for entry in document.get("predictions", [document])]


def warm_up(server: Server, script: Path) -> None:
    """Load the server for a moment, so that all its processes have answered.

    Raises ServerError if wrk can read no response: it is stricter than the client of `check`.
    """
    load = wrk.run(script, server.port, WARM_UP_CONNECTIONS, WARM_UP_SECONDS)
    if load.requests <= load.refused:
        raise ServerError(f"{server.name}: wrk could read no response: {load}")
