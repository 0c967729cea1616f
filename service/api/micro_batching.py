"""Micro-batching: requests that a server begins together go through the network as one batch.

    submit      a request hands in its normalised images
    result      the first request that needs its result runs the network over all that this thread was handed

A batch reads each layer's weights from memory once for all its images, and pays NumPy's cost of a call once.
Under a server that finishes each request before it begins the next, a batch is one request.
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
    """One request's share of a batch: its images, and once the batch has run, where its rows begin."""

    def __init__(self, model: Model, images: list[Grey]) -> None:
        """Wait for the batch."""
        self.model, self.images = model, images
        self.first_row = 0
        self.forward_ms = 0.0
        self.output: tuple[Activity, Decision] | None = None

    def result(self) -> tuple[Activity, Decision]:
        """Return the batch's activity and decision; this share's rows begin at `first_row`.

        If the batch fails, the request that asked for it fails; the other shares run a batch of their own.
        """
        if self.output is None:
            others = [share for share in _pending.shares if share is not self]
            _pending.shares = [share for share in others if share.model is not self.model]
            self.output = _run([self, *(share for share in others if share.model is self.model)])
        return self.output


class _Pending(local):
    def __init__(self) -> None:
        self.shares: list[Share] = []


_pending = _Pending()


def submit(model: Model, images: list[Grey]) -> Share:
    """Put uint8 images (28, 28) into this thread's next batch."""
    share = Share(model, images)
    _pending.shares.append(share)
    return share


def _run(shares: list[Share]) -> tuple[Activity, Decision]:
    """Run the network over the images of all shares, which have one model."""
    began = perf_counter()
    images: list[Grey] = []
    for share in shares:
        share.first_row = len(images)
        images += share.images
    output = read(shares[0].model, np.array(images, np.uint8).reshape(-1, SIDE, SIDE))
    seconds = perf_counter() - began
    for share in shares:
        share.output, share.forward_ms = output, round(1000 * seconds, 3)
    metrics.STAGE["forward"].observe(seconds)
    return output
