"""A client for the service. It may import only the standard library, so that the folder can be copied.

    from service.client import DigitsClient, Prediction

    with DigitsClient("http://localhost:8080") as digits:
        print(digits.predict("7.png").digit)
        for found in digits.predict_many(["7.png", "8.png"]):
            print(found.digit if isinstance(found, Prediction) else found.detail)

An image is a path, the bytes of a PNG, a Pillow image, or a NumPy array uint8 (height, width) of grey levels.
The ink may be dark on light or light on dark: the service detects which. Start reading with `DigitsClient`
below; `transport.py` has connections and retries, `responses.py` the results and the exceptions.
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

# Statuses that concern the image. With any other, every further image would be refused, too.
IMAGE_STATUSES = frozenset({400, 413, 415, 422})


class DigitsClient:
    """A client of the service at a URL.

    Threads may share a client, but not an iterator of predict_many.

    timeout_seconds   the longest wait for a connection, for sending or for receiving to make progress
    attempts          how often a request is sent at most; see service/client/transport.py
    """

    def __init__(
        self, url: str, api_key: str | None = None, timeout_seconds: float = 30.0, attempts: int = 5
    ) -> None:
        """Check the URL; connections are opened on demand. Raises ValueError if it is not http or https."""
        self._transport = Transport(url, api_key, timeout_seconds, attempts)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the idle connections; the next call opens a new one."""
        self._transport.close()

    def predict(self, image: Image) -> Prediction:
        """Read the digit in an image.

        Raises RefusedError, UnreachableError, UnexpectedAnswerError; OSError for a file that can't be read;
        ValueError for an array of another shape or dtype, TypeError for any other object.
        """
        found = self._transport.post(as_png(image), "image/png").prediction()
        if isinstance(found, Problem):
            raise RefusedError(found)
        return found

    def predict_many(self, images: Iterable[Image]) -> Iterator[Prediction | Problem]:
        """Yield the prediction or the problem of each image, in order.

        Each request has many images, and is sent when the iterator needs it. Raises RefusedError for a
        refusal that no image caused (a wrong key, persistent overload), UnreachableError,
        UnexpectedAnswerError, and TypeError for an object that is no image.
        """
        for batch in batches(images):
            found = iter(self._predict_batch([entry for entry in batch if isinstance(entry, bytes)]))
            yield from (entry if isinstance(entry, Problem) else next(found) for entry in batch)

    def _predict_batch(self, pngs: list[bytes]) -> list[Prediction | Problem]:
        if len(pngs) <= 1:
            return [self._predict_alone(png) for png in pngs]
        response = self._transport.post(*as_form(pngs))
        if response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # The service's limits may be lower than the defaults.
            half = len(pngs) // 2
            return self._predict_batch(pngs[:half]) + self._predict_batch(pngs[half:])
        return response.predictions(len(pngs))

    def _predict_alone(self, png: bytes) -> Prediction | Problem:
        found = self._transport.post(png, "image/png").prediction()
        if isinstance(found, Problem) and found.status not in IMAGE_STATUSES:
            raise RefusedError(found)
        return found
