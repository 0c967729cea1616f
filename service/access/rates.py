"""Rate limits: one token bucket a client, in memory that the workers share.

A bucket holds up to `burst` tokens, a request takes one, and `rate` tokens a second are added. A bucket is
stored as one number, the time at which it will be full again; a full bucket needs no memory.

    tokens = burst - (full_at - now) x rate

The memory is a table of rows with eight slots each. A client's key or address, hashed with a secret of this
start, selects the row. A new client takes the slot with the fullest bucket; usually that bucket is full and
holds no information. If all eight are in use, one client gets its missing tokens back early: no client is
refused because of another.

Workers lock a row with fcntl, as a range of bytes of an empty file; the system releases such a lock when a
worker is killed. These locks do not exclude threads of one process, so those share a `threading.Lock`.
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

ROWS, SLOTS = 2**13, 8
# A row: each slot's client as a hash (0: unused), then the time at which each bucket is full, in nanoseconds.
ROW = struct.Struct(f"<{SLOTS}Q{SLOTS}q")
NS_PER_SECOND = 10**9


class Taken(NamedTuple):
    """The outcome of a request for a token.

    left        tokens that are left
    wait_ns     time until the next token; 0 if one was granted
    full_ns     time until the bucket is full again
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
        """Share memory with the processes that are forked from now on; rate is in tokens a second."""
        self.token_ns = max(round(NS_PER_SECOND / rate), 1)
        self.burst, self.depth_ns = burst, burst * self.token_ns
        self.secret = os.urandom(16)
        # Empty: only the locks are on it. It stays open as long as the buckets exist.
        self.file = TemporaryFile(dir=MEMORY_FOLDER)  # noqa: SIM115 - closed below
        finalize(self, self.file.close)
        self.table = mmap.mmap(-1, ROWS * ROW.size)
        self.thread_lock = Lock()

    def take(self, client: bytes, now: int | None = None) -> Taken:
        """Take a token from a client's bucket; now is the time by the monotonic clock, in nanoseconds."""
        name = int.from_bytes(blake2b(client, digest_size=8, key=self.secret).digest(), "little") or 1
        offset = name % ROWS * ROW.size
        with self.thread_lock:
            fcntl.lockf(self.file, fcntl.LOCK_EX, ROW.size, offset)
            try:
                return self._take(offset, name, monotonic_ns() if now is None else now)
            finally:
                fcntl.lockf(self.file, fcntl.LOCK_UN, ROW.size, offset)

    def _take(self, offset: int, name: int, now: int) -> Taken:
        row = [*ROW.unpack_from(self.table, offset)]
        names, full_at = row[:SLOTS], row[SLOTS:]
        known = name in names
        slot = names.index(name) if known else full_at.index(min(full_at))
        full = max(full_at[slot], now) if known else now
        wait = full + self.token_ns - now - self.depth_ns
        if wait > 0:
            return Taken(0, wait, full - now)
        full += self.token_ns
        row[slot], row[SLOTS + slot] = name, full
        ROW.pack_into(self.table, offset, *row)
        return Taken((now + self.depth_ns - full) // self.token_ns, 0, full - now)
