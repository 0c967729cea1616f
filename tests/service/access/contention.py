"""Processes that take tokens of one bucket at the same time; a program of its own, because it forks.

python -m tests.service.access.contention together    prints how many of 5,000 tokens they got
python -m tests.service.access.contention killed      prints how many were killed while taking tokens
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


def take_many(buckets: Buckets, results: "Connection[int, int]") -> None:
    """Take tokens as fast as possible, and send how many were granted."""
    results.send(sum(not buckets.take(b"a", 0).wait_ns for _ in range(TAKES)))


def take_forever(buckets: Buckets) -> None:
    """Take tokens until the process is killed."""
    while True:
        buckets.take(b"a")


def together() -> int:
    """Return how many tokens all processes got."""
    buckets, (receiver, sender) = Buckets(rate=1, burst=TOKENS), FORK.Pipe(duplex=False)
    for _ in range(PROCESSES):
        FORK.Process(target=take_many, args=(buckets, sender)).start()
    return sum(receiver.recv() for _ in range(PROCESSES))


def killed() -> int:
    """Return how many processes were killed; it returns only if none of them left a lock behind."""
    buckets = Buckets(rate=1, burst=10**9)
    for _ in range(KILLED):
        process = FORK.Process(target=take_forever, args=(buckets,))
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
