"""What the service answers, as values: a Prediction or a Problem for each image; and what can go wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPMessage
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Prediction:
    """What the service read in an image.

    confidence        the digit's probability
    prediction_set    the digits that can't be ruled out
    abstained         whether it would not decide: the set is not a single digit, or it looks like no digit
    request           by what name the service's log knows the answer (X-Request-Id)
    """

    digit: int
    confidence: float
    probabilities: tuple[float, ...]
    prediction_set: tuple[int, ...]
    abstained: bool
    model_name: str
    model_version: str
    request: str


@dataclass(frozen=True)
class Problem:
    """Why there is no prediction (RFC 9457); without a status, the image could not even be sent."""

    type: str
    title: str
    status: int | None
    detail: str
    instance: str
    request: str


class DigitsError(Exception):
    """What can go wrong between a client and its service."""


class RefusedError(DigitsError):
    """The service refused; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.problem.status} {self.problem.title}: {self.problem.detail}"


class UnreachableError(DigitsError):
    """Nothing answered: refused, broken off, or too slow."""


class UnexpectedAnswerError(DigitsError):
    """Something answered, but not as this service does."""


class Answer(NamedTuple):
    """An answer as it came."""

    url: str
    status: int
    headers: HTTPMessage
    content: bytes

    def found(self) -> Prediction | Problem:
        """Return what it says of one image; raises UnexpectedAnswerError when that is not to be found."""
        with self._expected():
            return self._one(self.status, json.loads(self.content))

    def all_found(self, number: int) -> list[Prediction | Problem]:
        """Return what it says of so many images; raises RefusedError when it refuses them all."""
        if self.status != HTTPStatus.OK:
            problem = self.found()
            if isinstance(problem, Problem):
                raise RefusedError(problem)
        with self._expected():
            documents = json.loads(self.content)["predictions"]
            if len(documents) != number:
                raise ValueError
            return [self._one(entry.get("status", self.status), entry) for entry in documents]

    def retry_after_seconds(self) -> float:
        """Return after how long to ask again (RFC 9110, 10.2.3: seconds, or a date); 0 if it does not say."""
        told = self.headers.get("Retry-After", "0")
        try:
            return float(told) if told.isdecimal() else _seconds_until(told)
        except (ValueError, TypeError):
            return 0.0

    def _one(self, status: int, document: dict[str, Any]) -> Prediction | Problem:
        request = self.headers.get("X-Request-Id", "")
        if status >= HTTPStatus.BAD_REQUEST:
            return Problem(
                type=document.get("type", "about:blank"),
                title=document.get("title") or HTTPStatus(status).phrase,
                status=status,
                detail=document.get("detail", ""),
                instance=document.get("instance", ""),
                request=request,
            )
        return Prediction(
            digit=document["digit"],
            confidence=document["confidence"],
            probabilities=tuple(document["probabilities"]),
            prediction_set=tuple(document["prediction_set"]),
            abstained=document["abstained"],
            model_name=document["model"]["name"],
            model_version=document["model"]["version"],
            request=request,
        )

    @contextmanager
    def _expected(self) -> Iterator[None]:
        """Make what reading the content stumbles over the error that it is."""
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            kind = self.headers.get("Content-Type", "of no type")
            said = f"{self.status}, {kind}: {self.content[:80]!r}"
            raise UnexpectedAnswerError(
                f"{self.url} answers, but not as this service does: {said}"
            ) from error


def _seconds_until(date: str) -> float:
    return max(0.0, (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
