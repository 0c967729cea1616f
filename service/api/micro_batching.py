"""Requests that wait together go through the network together.

    hand_in     a request's images, once they are normalised
    result      whoever asks first runs the network over all that this thread was handed since

A layer's weights come from memory once for all of them, and what NumPy takes for each call is paid once.
Where one request follows the other, each is a batch of its own.
"""

from threading import local
from time import perf_counter

import numpy as np

from models.decision import Decision, read
from models.network import Activity
from models.store import Model
from service.images.codec import Grey
from service.images.normalise import SIDE
from service.observability import metrics


class Share:
    """A request's share in a batch: its images, then its rows of what was said, and the batch's ms."""

    def __init__(self, model: Model, images: list[Grey]) -> None:
        """Wait for the batch."""
        self.model, self.images = model, images
        self.first = 0
        self.ms = 0.0
        self.read: tuple[Activity, Decision] | None = None

    def result(self) -> tuple[Activity, Decision]:
        """Return the batch's activity and decision; this share's rows begin at `first`.

        Where the batch fails, it is whoever asked first that fails; the others ask anew.
        """
        if self.read is None:
            others = [share for share in _waiting.shares if share is not self]
            _waiting.shares = [share for share in others if share.model is not self.model]
            _run([self, *(share for share in others if share.model is self.model)])
        assert self.read  # noqa: S101 - it has just been  # nosec B101
        return self.read


class _Waiting(local):
    def __init__(self) -> None:
        self.shares: list[Share] = []


_waiting = _Waiting()


def hand_in(model: Model, images: list[Grey]) -> Share:
    """Let uint8 images (28, 28) wait for the next batch of this thread."""
    share = Share(model, images)
    _waiting.shares.append(share)
    return share


def _run(shares: list[Share]) -> None:
    """Run the network over the images of all shares, which have one model."""
    began, model = perf_counter(), shares[0].model
    images: list[Grey] = []
    for share in shares:
        share.first = len(images)
        images += share.images
    found = read(model, np.array(images, np.uint8).reshape(-1, SIDE, SIDE))
    seconds = perf_counter() - began
    for share in shares:
        share.read, share.ms = found, round(1000 * seconds, 3)
    metrics.STAGE["forward"].observe(seconds)
