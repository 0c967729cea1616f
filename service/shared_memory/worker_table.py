"""How many connections and requests each worker has, in a little memory that they all share.

The system wakes whichever worker it likes for a new connection, and a client that keeps its connection
stays with it: without a look at the others, one worker may get all the work. Each writes its own number
alone, so that nothing needs a lock; a number that is a moment old does no harm.
"""

import mmap
import os
from collections.abc import Collection

PLACES = 256
# Where a file is in memory: a container's root may be read-only, and its disk may be slow.
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - files of no name  # nosec B108
# A free place counts for nothing: what is kept is the number of connections and one more.
FREE = 0
LEAVING = 2**30


class Loads:
    """A place for each worker; taken and given back by the master, written by the worker.

    >>> loads = Loads()
    >>> first, second = loads.take(), loads.take()
    >>> loads.set(first, 3)
    >>> loads.is_least(first), loads.is_least(second)
    (False, True)
    >>> loads.set_requests(first, 2); loads.set_requests(second, 1); loads.requests()
    3
    """

    def __init__(self) -> None:
        """Share memory with the processes that are forked from here on."""
        self.counts, self.in_flight = (memoryview(mmap.mmap(-1, 4 * PLACES)).cast("i") for _ in range(2))
        self.ended, self.draining = (memoryview(mmap.mmap(-1, 8)).cast("q") for _ in range(2))

    def take(self) -> int:
        """Return a free place; when all are taken, the last one, which then speaks for several."""
        place = next((i for i, count in enumerate(self.counts) if count == FREE), PLACES - 1)
        self.set(place, 0)
        return place

    def set(self, place: int, connections: int) -> None:
        """Say how many connections the worker at a place has."""
        self.counts[place] = connections + 1

    def leave(self, place: int) -> None:
        """Say that the worker at a place takes no more connections: none is left to it."""
        self.counts[place] = LEAVING

    def give_back(self, place: int) -> None:
        """Free the place of a worker that is gone."""
        self.counts[place] = FREE
        self.in_flight[place] = 0
        self.ended[0] += 1

    def keep(self, places: Collection[int]) -> None:
        """Free all places but these: there is nobody at the others."""
        for place in range(PLACES):
            if place not in places:
                self.counts[place], self.in_flight[place] = FREE, 0

    def is_least(self, place: int) -> bool:
        """Say whether no other worker has fewer connections; of many, an eighth more or less is no matter."""
        least = min(count for count in self.counts if count != FREE)
        return self.counts[place] <= least + least // 8

    def drain(self) -> None:
        """Say that the service is about to stop: it answers, but should not be asked."""
        self.draining[0] = 1

    def is_draining(self) -> bool:
        """Say whether the service is about to stop."""
        return bool(self.draining[0])

    def workers(self) -> int:
        """Return how many workers there are, those that leave included."""
        return sum(count != FREE for count in self.counts)

    def exits(self) -> int:
        """Return how many workers are gone."""
        return self.ended[0]

    def set_requests(self, place: int, requests: int) -> None:
        """Say how many requests of the worker at a place are whole and not yet answered."""
        self.in_flight[place] = requests

    def requests(self) -> int:
        """Return how many requests of all workers are whole and not yet answered."""
        return sum(self.in_flight)


LOADS = Loads()
