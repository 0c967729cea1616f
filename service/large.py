"""Large requests: answered in threads, bounded in number and in bytes.

    reserve    room for a body, before any more of it is read: memory is promised to no more than there is
    begin      the answer, in a thread
    finished   answers that the loop has not sent yet

A large request spends its time in decoders and products that release Python's lock, so that the loop goes on.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

from service.connection import Connection

Answer = TypeVar("Answer")
# Bodies of the greatest size that may be in the house.
UPLOADS = 2


class Large(Generic[Answer]):
    """The large requests of a process."""

    def __init__(self, threads: int, most: int, most_bytes: int, wake: int) -> None:
        """Start no thread yet; to `wake`, a pipe, a byte is written when an answer is finished."""
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="large")
        self.most, self.most_bytes, self.room = most, most_bytes, UPLOADS * most_bytes
        self.wake = wake
        self.number = 0
        self.done: deque[tuple[Connection, int, Answer]] = deque()

    def reserve(self, connection: Connection, length: int) -> bool:
        """Promise memory for a body of that length, or say that there is none, or that too many wait."""
        if length > self.room or self.number >= self.most:
            return False
        self.room -= length
        connection.reserved = length
        return True

    def release(self, connection: Connection) -> None:
        """Take back what was promised to a connection that is gone."""
        self.room += connection.reserved
        connection.reserved = 0

    def begin(self, connection: Connection, answer: Callable[[], Answer]) -> None:
        """Answer in a thread; what was promised is kept until the answer is there."""
        self.number += 1
        future = self.threads.submit(answer)
        future.add_done_callback(partial(self._hand_over, connection, connection.reserved))
        connection.reserved = 0

    def _hand_over(self, connection: Connection, reserved: int, answer: "Future[Answer]") -> None:
        """Hand an answer to the loop; still in the thread."""
        self.done.append((connection, reserved, answer.result()))
        os.write(self.wake, b"1")

    def finished(self) -> Iterator[tuple[Connection, Answer]]:
        """Yield the answers that have become whole."""
        while self.done:
            connection, reserved, answer = self.done.popleft()
            self.number -= 1
            self.room += reserved
            yield connection, answer

    def leave(self) -> None:
        """Begin no more."""
        self.threads.shutdown(wait=False, cancel_futures=True)
