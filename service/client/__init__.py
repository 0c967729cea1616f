"""A client of the service, in Python's standard library alone.

    from service.client import DigitsClient, Prediction

    with DigitsClient("http://localhost:8080") as digits:
        print(digits.predict("7.png").digit)
        for found in digits.predict_many(["7.png", "8.png"]):
            print(found.digit if isinstance(found, Prediction) else found.detail)

An image is a path, the bytes of a PNG, an image of Pillow's, or a NumPy array uint8 (height, width) of grey
levels. Ink may be dark on light or light on dark; the service finds out which.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Self

from service.client.images import Image, as_form, as_png, batches
from service.client.responses import (
    DigitsError,
    Prediction,
    Problem,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from service.client.transport import Transport

__all__ = [
    "DigitsClient",
    "DigitsError",
    "Image",
    "Prediction",
    "Problem",
    "RefusedError",
    "UnexpectedAnswerError",
    "UnreachableError",
]

# Statuses of an answer about one image that are this image's fault, and not the whole call's.
OF_THE_IMAGE = frozenset({400, 413, 415, 422})


class DigitsClient:
    """Asks the service at a URL. Threads may share a client; an iterator of predict_many is one thread's.

    timeout_seconds   how long to connect, to send or to receive may stand still
    attempts          how often the same is asked for at most; see service/client/transport.py
    """

    def __init__(
        self, url: str, api_key: str | None = None, timeout_seconds: float = 30.0, attempts: int = 5
    ) -> None:
        """Connect to nothing yet; raises ValueError for a URL that is none of http or https."""
        self._transport = Transport(url, api_key, timeout_seconds, attempts)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections that no call is using; the next call opens one again."""
        self._transport.close()

    def predict(self, image: Image) -> Prediction:
        """Read the digit in an image.

        Raises RefusedError, UnreachableError, UnexpectedAnswerError; OSError for a file that can't be read,
        ValueError and TypeError for what is no image.
        """
        found = self._transport.post(as_png(image), "image/png").found()
        if isinstance(found, Problem):
            raise RefusedError(found)
        return found

    def predict_many(self, images: Iterable[Image]) -> Iterator[Prediction | Problem]:
        """Yield for each image, in order, the prediction, or the problem that there is with this image.

        Many go in one request, as the iterator is asked for more. Raises RefusedError for what is no image's
        fault (a wrong key, too much to do for too long), UnreachableError, UnexpectedAnswerError; TypeError
        for what is no image.
        """
        for batch in batches(images):
            found = iter(self._predict_batch([entry for entry in batch if isinstance(entry, bytes)]))
            yield from (entry if isinstance(entry, Problem) else next(found) for entry in batch)

    def _predict_batch(self, pngs: list[bytes]) -> list[Prediction | Problem]:
        if len(pngs) <= 1:
            return [self._predict_alone(png) for png in pngs]
        answer = self._transport.post(*as_form(pngs))
        if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # A service may be set to read less at a time.
            half = len(pngs) // 2
            return self._predict_batch(pngs[:half]) + self._predict_batch(pngs[half:])
        return answer.all_found(len(pngs))

    def _predict_alone(self, png: bytes) -> Prediction | Problem:
        found = self._transport.post(png, "image/png").found()
        if isinstance(found, Problem) and found.status not in OF_THE_IMAGE:
            raise RefusedError(found)
        return found
