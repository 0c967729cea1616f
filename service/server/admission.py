"""Admission control: decides which requests are answered in the event loop, which in a thread, and which not.

    small      in the event loop: handing it to a thread and back would cost more than answering it
    large      in a thread
    overload   503 without any work (load shedding), so that the queue and the waiting time stay short

A large body is refused when its head arrives, before it is received. Only POST requests are shed from the
event loop's queue: health checks are answered under any load.
"""

from collections.abc import Sized
from typing import NamedTuple

from service.server.connection import Request
from service.server.memory_budget import MemoryBudget
from service.server.request_head import RequestHead
from service.server.thread_pool import ThreadPool


class Limits(NamedTuple):
    """What a worker admits.

    max_body_bytes          the app refuses a larger body; it is not received
    max_pending_requests    small requests in the queue, and large requests in the threads and their queue
    small_body_bytes        a request with a larger body is a large one
    request_seconds         until a request is complete, and until its response is taken
    """

    max_body_bytes: int
    max_pending_requests: int
    small_body_bytes: int
    request_seconds: float = 60.0


class OverloadError(Exception):
    """The large body that this head announces can't be received now."""

    def __init__(self, head: RequestHead) -> None:
        """Keep the head, for the response."""
        super().__init__()
        self.head = head


class AdmissionControl:
    """The decisions of one worker."""

    def __init__(self, limits: Limits, queue: Sized, threads: ThreadPool, memory: MemoryBudget) -> None:
        """Decide by the lengths of the event loop's and the threads' queue, and by the memory budget."""
        self.limits, self.queue, self.threads, self.memory = limits, queue, threads, memory

    def is_large(self, request: Request) -> bool:
        """Say whether a request is answered in a thread."""
        return len(request.body) > self.limits.small_body_bytes

    def check_head(self, head: RequestHead) -> None:
        """Raise OverloadError for a large body that can't be taken; the app refuses one beyond the limit."""
        length = head.content_length or 0
        large = self.limits.small_body_bytes < length <= self.limits.max_body_bytes
        if large and (self.threads.full or not self.memory.fits(length)):
            raise OverloadError(head)

    def sheds(self, request: Request) -> bool:
        """Say whether a complete request is shed."""
        if self.is_large(request):
            return self.threads.full
        return len(self.queue) >= self.limits.max_pending_requests and request.head.method == "POST"
