"""The service's responses as values: a Prediction or a Problem for each image; and the exceptions."""

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
    """The digit that the service read in an image.

    confidence        the probability of the digit
    prediction_set    the digits that can't be ruled out
    abstained         whether the service made no decision: several digits are likely, or none is
    request           the X-Request-Id of the response, which the service also logs
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
    """Why there is no prediction for an image (RFC 9457); status is None if the image could not be sent."""

    type: str
    title: str
    status: int | None
    detail: str
    instance: str
    request: str


class DigitsError(Exception):
    """The base class of this client's exceptions."""


class RefusedError(DigitsError):
    """The service refused a request; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        """Return status, title and detail in one line."""
        return f"{self.problem.status} {self.problem.title}: {self.problem.detail}"


class UnreachableError(DigitsError):
    """There was no response: the connection was refused or broke, or the timeout expired."""


class UnexpectedAnswerError(DigitsError):
    """There was a response that this service would not send."""


class Response(NamedTuple):
    """A response as it was received."""

    url: str
    status: int
    headers: HTTPMessage
    content: bytes

    def prediction(self) -> Prediction | Problem:
        """Return the prediction or the problem of a request with one image.

        Raises UnexpectedAnswerError if the response has neither.
        """
        with self._expected():
            return self._parsed(self.status, json.loads(self.content))

    def predictions(self, number: int) -> list[Prediction | Problem]:
        """Return the predictions and problems of a request with `number` images, in order.

        Raises RefusedError if the whole request was refused, UnexpectedAnswerError for any other response.
        """
        if self.status != HTTPStatus.OK:
            problem = self.prediction()
            if isinstance(problem, Problem):
                raise RefusedError(problem)
        with self._expected():
            documents = json.loads(self.content)["predictions"]
            if len(documents) != number:
                raise ValueError
            return [self._parsed(entry.get("status", self.status), entry) for entry in documents]

    def retry_after_seconds(self) -> float:
        """Return the value of Retry-After in seconds (RFC 9110, 10.2.3: seconds or a date); 0 without one."""
        value = self.headers.get("Retry-After", "0")
        try:
            return float(value) if value.isdecimal() else _seconds_until(value)
        except (ValueError, TypeError):
            return 0.0

    def _parsed(self, status: int, document: dict[str, Any]) -> Prediction | Problem:
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
        """Turn every error of parsing the content into UnexpectedAnswerError."""
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            media_type = self.headers.get("Content-Type", "no Content-Type")
            received = f"{self.status}, {media_type}: {self.content[:80]!r}"
            raise UnexpectedAnswerError(
                f"{self.url} sent a response that this service would not send: {received}"
            ) from error


def _seconds_until(date: str) -> float:
    return max(0.0, (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
