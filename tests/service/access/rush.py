"""Processes that take tokens of one bucket all at once; a program of its own, for it forks.

python -m tests.service.access.rush together    prints how many tokens four processes got of 5,000
python -m tests.service.access.rush killed      prints how many processes were killed while they took tokens
"""

import os
import signal
import sys
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection

from service.access.rates import Buckets

PROCESSES, TAKES, TOKENS, KILLED = 4, 2000, 5000, 20
FORK = get_context("fork")


def take_some(buckets: Buckets, told: "Connection[int, int]") -> None:
    """Take tokens at one moment, and tell how many there were."""
    told.send(sum(not buckets.take(b"a", 0).wait_ns for _ in range(TAKES)))


def take_for_ever(buckets: Buckets) -> None:
    """Take tokens until the end."""
    while True:
        buckets.take(b"a")


def together() -> int:
    """Return how many tokens all got."""
    buckets, (hears, told) = Buckets(rate=1, burst=TOKENS), FORK.Pipe(duplex=False)
    for _ in range(PROCESSES):
        FORK.Process(target=take_some, args=(buckets, told)).start()
    return sum(hears.recv() for _ in range(PROCESSES))


def killed() -> int:
    """Return how many were killed; it ends only if none of them left a lock behind."""
    buckets = Buckets(rate=1, burst=10**9)
    for _ in range(KILLED):
        process = FORK.Process(target=take_for_ever, args=(buckets,))
        process.start()
        before = buckets.take(b"a").left
        while buckets.take(b"a").left > before - 100:
            time.sleep(0.001)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        buckets.take(b"a")
    return KILLED


if __name__ == "__main__":
    sys.stdout.write(str({"together": together, "killed": killed}[sys.argv[1]]()))
