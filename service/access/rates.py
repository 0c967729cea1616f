"""How many requests each client may still make: token buckets, in memory that the workers share.

A bucket holds `burst` tokens, a request takes one, `rate` tokens a second drop in. It is kept as one number,
the moment at which it will be full again: a client that has been quiet for long needs no memory.

    tokens = burst - (full_at - now) x rate

The memory is a table of rows, eight places each; what a client is known by, hashed with a secret of this
start, chooses the row. A new client gets the place whose bucket is the fullest: most often one that is full,
and so means nothing any more. Should all eight be in use, somebody's few missing tokens are forgiven: nobody
is ever refused for what another did.

Workers take their turns at a row by a lock of the system's on just its bytes, which a worker that is killed
gives back; threads of one worker, which such a lock does not tell apart, by one of Python's.
"""

import fcntl
import mmap
import os
import struct
from hashlib import blake2b
from tempfile import TemporaryFile
from threading import Lock
from time import monotonic_ns
from typing import NamedTuple
from weakref import finalize

from service.shared_memory.worker_table import MEMORY_FOLDER

ROWS, PLACES = 2**13, 8
# A row: what each client hashes to (0: nobody yet), then each bucket's moment in nanoseconds.
ROW = struct.Struct(f"<{PLACES}Q{PLACES}q")
NS_PER_SECOND = 10**9


class Taken(NamedTuple):
    """What came of a request for a token.

    left        tokens that are left
    wait_ns     until there is one; 0 when this one was given
    full_ns     until the bucket is full again
    """

    left: int
    wait_ns: int
    full_ns: int


class Buckets:
    """The buckets of all clients.

    >>> buckets = Buckets(rate=1, burst=2)
    >>> [buckets.take(b"a", now=0).wait_ns for _ in range(3)]
    [0, 0, 1000000000]
    >>> buckets.take(b"b", now=0).left, buckets.take(b"a", now=NS_PER_SECOND).wait_ns
    (1, 0)
    """

    def __init__(self, rate: float, burst: int) -> None:
        """Share memory with the processes that are forked from here on; rate is in tokens a second."""
        self.token_ns = max(round(NS_PER_SECOND / rate), 1)
        self.burst, self.depth_ns = burst, burst * self.token_ns
        self.secret = os.urandom(16)
        # Open as long as the buckets are there: the locks are on it.
        self.file = TemporaryFile(dir=MEMORY_FOLDER)  # noqa: SIM115 - closed below
        finalize(self, self.file.close)
        self.file.truncate(ROWS * ROW.size)
        self.table = mmap.mmap(self.file.fileno(), ROWS * ROW.size)
        self.turn = Lock()

    def take(self, client: bytes, now: int | None = None) -> Taken:
        """Take a token from a client's bucket; now is the time by the monotonic clock, in nanoseconds."""
        name = int.from_bytes(blake2b(client, digest_size=8, key=self.secret).digest(), "little") or 1
        at = name % ROWS * ROW.size
        with self.turn:
            fcntl.lockf(self.file, fcntl.LOCK_EX, ROW.size, at)
            try:
                return self._take(at, name, monotonic_ns() if now is None else now)
            finally:
                fcntl.lockf(self.file, fcntl.LOCK_UN, ROW.size, at)

    def _take(self, at: int, name: int, now: int) -> Taken:
        row = [*ROW.unpack_from(self.table, at)]
        names, full_at = row[:PLACES], row[PLACES:]
        known = name in names
        place = names.index(name) if known else full_at.index(min(full_at))
        full = max(full_at[place], now) if known else now
        wait = full + self.token_ns - now - self.depth_ns
        if wait > 0:
            return Taken(0, wait, full - now)
        full += self.token_ns
        row[place], row[PLACES + place] = name, full
        ROW.pack_into(self.table, at, *row)
        return Taken((now + self.depth_ns - full) // self.token_ns, 0, full - now)
