"""The memory budget: bounds the bytes that a worker buffers for its clients.

    connections    buffered partial requests and unsent responses
    threads        bodies that wait for a thread, or are in one

Only bytes that have arrived are counted, so a client that announces a large body and does not send it takes
nothing from others. When the budget is exceeded, the longest-waiting connections with large buffers are
closed. To push out an upload, other clients must therefore send the whole budget while it is under way.
"""

from service.server.connection import Connection

# The budget holds this many bodies of the largest size.
LARGEST_BODIES = 2
MIN_BUDGET_BYTES = 16 * 2**20


class MemoryBudget:
    """The buffered bytes of a process."""

    def __init__(self, max_body_bytes: int) -> None:
        """Begin with nothing buffered."""
        self.budget = max(LARGEST_BODIES * max_body_bytes, MIN_BUDGET_BYTES)
        self.in_connections = self.in_threads = 0

    @property
    def exceeded(self) -> bool:
        """Whether more is buffered than the budget allows."""
        return self.in_connections + self.in_threads > self.budget

    def count(self, connection: Connection) -> None:
        """Update the bytes that a connection buffers."""
        size = len(connection.received) + len(connection.unsent)
        self.in_connections += size - connection.counted_bytes
        connection.counted_bytes = size

    def forget(self, connection: Connection) -> None:
        """Stop counting a closed connection."""
        self.in_connections -= connection.counted_bytes
        connection.counted_bytes = 0

    def fits(self, length: int) -> bool:
        """Say whether a body fits beside those in threads; connections can be closed for it."""
        return length <= self.budget - self.in_threads
