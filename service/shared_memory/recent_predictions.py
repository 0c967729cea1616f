"""The digits that were predicted lately, by request id, until clients say which digit it really was.

    remember    a request id and the predicted digit, when the response is written
    recall      that digit, once: then it is forgotten

The workers share one table of fixed size, since the worker that gets the feedback is seldom the one that
predicted. The request id's hash chooses the slot, where the prediction stays until another overwrites it.
"""

import mmap
import struct
from hashlib import blake2b

SLOTS = 2**16
# A slot: the hash of the request id, then the digit plus one (0: empty, or recalled already).
SLOT = struct.Struct("<QQ")


class RecentPredictions:
    """The table of recent predictions.

    >>> recent = RecentPredictions()
    >>> recent.remember("a", 7)
    >>> recent.recall("a"), recent.recall("a"), recent.recall("b")
    (7, None, None)
    """

    def __init__(self) -> None:
        """Share memory with the processes that are forked from here on."""
        self.table = mmap.mmap(-1, SLOTS * SLOT.size)

    def remember(self, request_id: str, digit: int) -> None:
        """Keep the digit that was predicted for a request."""
        offset, key = _slot(request_id)
        SLOT.pack_into(self.table, offset, key, digit + 1)

    def recall(self, request_id: str) -> int | None:
        """Return the predicted digit and forget it; None for an id that is unknown, used or overwritten."""
        offset, key = _slot(request_id)
        kept, digit = SLOT.unpack_from(self.table, offset)
        if kept != key or digit == 0:
            return None
        SLOT.pack_into(self.table, offset, key, 0)
        return int(digit) - 1


def _slot(request_id: str) -> tuple[int, int]:
    key = int.from_bytes(blake2b(request_id.encode(), digest_size=8).digest(), "little")
    return key % SLOTS * SLOT.size, key
