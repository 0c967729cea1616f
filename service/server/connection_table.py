"""The open connections of a worker: bounded in number, each with a deadline.

When there are too many connections, or they buffer too much, the longest-waiting ones are closed (eviction).
A client that sends its request and takes its response in time needs little of either.
"""

import selectors
from collections.abc import Callable, Iterator
from functools import partial
from socket import socket
from typing import Any

from service.server.connection import Connection, State, Timeouts
from service.server.memory_budget import MemoryBudget
from service.shared_memory.worker_table import WORKERS

# A connection that buffers less is not evicted for memory.
MIN_EVICTED_BYTES = 8 * 2**10


class ConnectionTable:
    """The connections by their file descriptors; the table of workers shows their number."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is a part of the event loop or a limit
        self,
        selector: selectors.BaseSelector,
        memory: MemoryBudget,
        row: int,
        max_connections: int,
        timeouts: Timeouts,
        on_event: Callable[[Connection, int], object],
    ) -> None:
        """Begin empty; on_event gets a connection and the events that its socket is ready for."""
        self.selector, self.memory, self.row, self.on_event = selector, memory, row, on_event
        self.max_connections, self.timeouts = max_connections, timeouts
        self.connections: dict[int, Connection] = {}
        self.accepting = True

    def add(self, client: socket, address: Any) -> None:  # noqa: ANN401 - as sockets have it
        """Add an accepted connection, in place of another if there are too many."""
        if len(self.connections) >= self.max_connections:
            self.close(min(self.connections.values(), key=lambda other: other.eviction_priority))
        connection = Connection(client, address, self.timeouts)
        self.connections[client.fileno()] = connection
        self.watch(connection)
        self._report()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.connections)

    def watch(self, connection: Connection, events: int = selectors.EVENT_READ) -> None:
        """Call on_event when the connection's socket is ready for these events, and only these."""
        watched = connection.socket in self.selector.get_map()
        (self.selector.modify if watched else self.selector.register)(
            connection.socket, events, partial(self.on_event, connection)
        )

    def unwatch(self, connection: Connection) -> None:
        """Stop reading from the connection (back-pressure)."""
        if connection.socket in self.selector.get_map():
            self.selector.unregister(connection.socket)

    def close(self, connection: Connection) -> None:
        """Close a connection and forget it."""
        if not connection.closed:
            del self.connections[connection.socket.fileno()]
            self.memory.forget(connection)
            self.unwatch(connection)
            connection.socket.close()
            self._report()

    def expired(self, now: float) -> list[Connection]:
        """Return the connections whose deadline has passed and that wait for their client."""
        return [
            connection
            for connection in self.connections.values()
            if connection.deadline < now and connection.state is not State.ANSWERING
        ]

    def over_budget(self) -> Iterator[Connection]:
        """Yield connections to evict, the longest-waiting first, while the memory budget is exceeded."""
        buffering = [
            other
            for other in self.connections.values()
            if other.counted_bytes > MIN_EVICTED_BYTES and other.state is not State.ANSWERING
        ]
        for connection in sorted(buffering, key=lambda other: other.deadline):
            if not self.memory.exceeded:
                return
            yield connection

    def drain(self, idle_until: float) -> None:
        """Show in the table of workers that this one accepts no more; idle connections end at idle_until."""
        self.accepting = False
        WORKERS.stop(self.row)
        for connection in self.connections.values():
            if connection.idle:
                connection.deadline = min(connection.deadline, idle_until)

    def _report(self) -> None:
        if self.accepting:
            WORKERS.set_connections(self.row, len(self.connections))
