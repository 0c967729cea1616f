"""The worker table: one row of shared memory for each worker, with its connections and its requests.

    row 0            the process that is no worker: the master before it forks, `flask run`, a test
    row 1, 2, …      taken by the master before it forks a worker, freed when that worker has exited

A worker writes its own row alone and reads the others', so no process needs a lock; a number that is a moment
old does no harm. `counters.py` counts in the same rows.
"""

import mmap
import os
from collections.abc import Collection
from threading import Lock

# A reload runs twice as many workers for a while; settings.py allows half of the rows.
WORKER_ROWS = 256
ROWS = WORKER_ROWS + 1
# Files in memory: a container's root may be read-only, and its disk may be slow.
MEMORY_FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - nameless files  # nosec B108
# `connections` holds the number plus one; 0 marks a free row.
FREE = 0
# A worker that stops counts as the busiest one, so that no connection is left to it.
STOPPING = 2**30


class NoFreeRowError(OSError):
    """All rows are taken: a worker without one could not be counted, so it must not start."""


def shared_integers(length: int) -> "memoryview[int]":
    """Return zeros of eight bytes in memory that is shared with the processes forked from here on."""
    return memoryview(mmap.mmap(-1, 8 * length)).cast("q")


class WorkerTable:
    """The rows of all workers.

    >>> table = WorkerTable()
    >>> first, second = table.take(), table.take()
    >>> table.enter(first); table.set_connections(3); table.begin_request(); table.has_fewest_connections()
    False
    >>> table.enter(second); table.set_queued(2); table.has_fewest_connections()
    True
    >>> table.requests_in_flight()
    3
    """

    def __init__(self) -> None:
        """Share memory with the processes that are forked from here on."""
        self.connections, self.queued, self.in_flight = (shared_integers(ROWS) for _ in range(3))
        self.exited, self.failed, self.draining = (shared_integers(1) for _ in range(3))
        self.row = 0
        # Threads of a process share its row, and `+=` takes several steps.
        self.lock = Lock()

    # The master's part.

    def take(self) -> int:
        """Take a free row for a worker that is about to be forked; raises NoFreeRowError."""
        for row in range(1, ROWS):
            if self.connections[row] == FREE:
                self.connections[row] = FREE + 1
                return row
        raise NoFreeRowError(f"all {WORKER_ROWS} rows of shared memory are taken: run fewer workers")

    def free(self, row: int) -> None:
        """Free the row of a worker that has exited."""
        self._clear(row)
        self.exited[0] += 1

    def note_failed_start(self, rows: Collection[int]) -> None:
        """Count a worker that could not be started, and free every row but those of the living workers."""
        self.failed[0] += 1
        for row in set(range(1, ROWS)) - {*rows}:
            self._clear(row)

    def _clear(self, row: int) -> None:
        self.connections[row], self.queued[row], self.in_flight[row] = FREE, 0, 0

    def start_draining(self) -> None:
        """Mark the service as about to stop: it answers, but should get no new clients."""
        self.draining[0] = 1

    # A worker's part.

    def enter(self, row: int) -> None:
        """Make a row this process's own."""
        self.row = row

    def set_connections(self, connections: int) -> None:
        """Record how many connections this worker has, unless it is stopping."""
        if self.connections[self.row] != STOPPING:
            self.connections[self.row] = connections + 1

    def stop(self) -> None:
        """Record that this worker accepts no more connections."""
        self.connections[self.row] = STOPPING

    def set_queued(self, requests: int) -> None:
        """Record how many complete requests wait in this worker for the application to begin them."""
        self.queued[self.row] = requests

    def begin_request(self) -> None:
        """Count a request that the application has begun in this process."""
        with self.lock:
            self.in_flight[self.row] += 1

    def end_request(self) -> None:
        """Count that request no longer: its response is complete."""
        with self.lock:
            self.in_flight[self.row] -= 1

    # Everyone's.

    def has_fewest_connections(self) -> bool:
        """Return whether no other worker has fewer connections; an eighth more or less is ignored."""
        fewest = min((count for count in self.connections[1:] if count != FREE), default=FREE)
        return self.connections[self.row] <= fewest + fewest // 8

    def is_draining(self) -> bool:
        """Return whether the service is about to stop."""
        return bool(self.draining[0])

    def workers(self) -> int:
        """Return how many workers there are, stopping ones included; 1 for a process without a master."""
        return sum(count != FREE for count in self.connections) or int(self.row == 0)

    def exits(self) -> int:
        """Return how many workers have exited."""
        return self.exited[0]

    def failed_starts(self) -> int:
        """Return how often a worker could not be started."""
        return self.failed[0]

    def requests_in_flight(self) -> int:
        """Return how many complete requests have no complete response yet, over all workers."""
        return sum(self.queued) + sum(self.in_flight)


WORKERS = WorkerTable()
