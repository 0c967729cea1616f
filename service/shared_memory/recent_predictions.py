"""What was read lately, by the names of the requests, for those who will say what it really was.

    remember    a request's name and the digit that was read, when it is answered
    recall      once, by the name: the digit; it is forgotten then

The workers share a table of fixed size, for the one that hears the truth is seldom the one that answered. A
request's name chooses its place, where it stays until another needs it.
"""

import mmap
import struct
from hashlib import blake2b

PLACES = 2**16
# A place: what a name hashes to, and the digit that was read and one more (0: nothing, or told already).
PLACE = struct.Struct("<QQ")


class Readings:
    """What was read lately, by the names of the requests.

    >>> readings = Readings()
    >>> readings.remember("a", 7)
    >>> readings.recall("a"), readings.recall("a"), readings.recall("b")
    (7, None, None)
    """

    def __init__(self) -> None:
        """Share memory with the processes that are forked from here on."""
        self.table = mmap.mmap(-1, PLACES * PLACE.size)

    def remember(self, name: str, digit: int) -> None:
        """Keep what was read in the request of that name."""
        place, key = _place(name)
        PLACE.pack_into(self.table, place, key, digit + 1)

    def recall(self, name: str) -> int | None:
        """Return what was read, and forget it; None when nothing is known, or no more."""
        place, key = _place(name)
        kept, digit = PLACE.unpack_from(self.table, place)
        if kept != key or digit == 0:
            return None
        PLACE.pack_into(self.table, place, key, 0)
        return int(digit) - 1


def _place(name: str) -> tuple[int, int]:
    key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
    return key % PLACES * PLACE.size, key
