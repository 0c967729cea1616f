"""Large requests: answered in threads, bounded in number; memory.py bounds their bytes.

    begin      the answer, in a thread
    finished   answers that the loop has not sent yet

A large request spends its time in decoders and products that release Python's lock, so that the loop goes on.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Generic, TypeVar

from service.server.connection import Connection
from service.server.memory_budget import Memory

Answer = TypeVar("Answer")


class Large(Generic[Answer]):
    """The large requests of a process."""

    def __init__(self, threads: int, most: int, memory: Memory, wake: int) -> None:
        """Start all threads; to `wake`, a pipe, a byte is written when an answer is finished.

        Raises RuntimeError where the system gives no thread: better now than in the midst of a request.
        """
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="large")
        all_there = Barrier(threads + 1)
        for _ in range(threads):
            self.threads.submit(all_there.wait)
        all_there.wait()
        self.most, self.memory = most, memory
        self.wake = wake
        self.number = 0
        self.done: deque[tuple[Connection, int, Answer]] = deque()

    @property
    def full(self) -> bool:
        """Whether too many wait for another to be begun."""
        return self.number >= self.most

    def begin(self, connection: Connection, length: int, answer: Callable[[], Answer]) -> None:
        """Answer in a thread; the body, of that length, counts until the answer is there."""
        self.number += 1
        self.memory.begin(length)
        future = self.threads.submit(answer)
        future.add_done_callback(partial(self._hand_over, connection, length))

    def _hand_over(self, connection: Connection, length: int, answer: "Future[Answer]") -> None:
        """Hand an answer to the loop; still in the thread."""
        self.done.append((connection, length, answer.result()))
        os.write(self.wake, b"1")

    def finished(self) -> Iterator[tuple[Connection, Answer]]:
        """Yield the answers that have become whole."""
        while self.done:
            connection, length, answer = self.done.popleft()
            self.number -= 1
            self.memory.end(length)
            yield connection, answer

    def leave(self) -> None:
        """Begin no more."""
        self.threads.shutdown(wait=False, cancel_futures=True)
