"""Threads for large requests, whose number is bounded here, and their bytes in memory_budget.py.

    submit     answers a request in a thread
    finished   yields the responses for the event loop to send

A large request spends most of its time in code that releases Python's lock (GIL), so the event loop goes on.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Barrier

from service.server.connection import Connection, Response
from service.server.memory_budget import MemoryBudget


class ThreadPool:
    """The large requests of a process, queued and running."""

    def __init__(self, threads: int, max_pending: int, memory: MemoryBudget, wake: int) -> None:
        """Start all threads; a byte is written to `wake`, a pipe, when a response is finished.

        Raises RuntimeError if the system can't start a thread: better now than while a request waits for it.
        """
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="large")
        all_started = Barrier(threads + 1)
        for _ in range(threads):
            self.executor.submit(all_started.wait)
        all_started.wait()
        self.threads, self.max_pending, self.memory, self.wake = threads, max_pending, memory, wake
        self.pending = 0
        self.done: deque[tuple[Connection, int, Response]] = deque()

    @property
    def full(self) -> bool:
        """Whether no more requests may be submitted."""
        return self.pending >= self.max_pending

    @property
    def queued(self) -> int:
        """How many requests wait for a thread."""
        return max(self.pending - self.threads, 0)

    def submit(self, connection: Connection, body_bytes: int, answer: Callable[[], Response]) -> None:
        """Call `answer` in a thread; the request's body counts in the memory budget until it returns."""
        self.pending += 1
        self.memory.in_threads += body_bytes
        self.executor.submit(answer).add_done_callback(partial(self._hand_over, connection, body_bytes))

    def _hand_over(self, connection: Connection, body_bytes: int, response: "Future[Response]") -> None:
        """Hand a response to the event loop; called in the thread."""
        self.done.append((connection, body_bytes, response.result()))
        os.write(self.wake, b"1")

    def finished(self) -> Iterator[tuple[Connection, Response]]:
        """Yield the responses that are finished, each once."""
        while self.done:
            connection, body_bytes, response = self.done.popleft()
            self.pending -= 1
            self.memory.in_threads -= body_bytes
            yield connection, response

    def shut_down(self) -> None:
        """Start no more requests."""
        self.executor.shutdown(wait=False, cancel_futures=True)
