"""The open connections of a worker: bounded in number and in buffered bytes, each with a deadline.

When there are too many connections, or they buffer too much, the longest-waiting ones are closed (eviction).
A client that sends its request and takes its response in time needs little of either.

The bytes that a worker buffers for its clients are partial requests and unsent responses, counted here, and
bodies in threads, counted by the dispatcher. Together they have a budget (Limits.budget_bytes). Only bytes
that have arrived are counted, so a client that announces a large body and does not send it takes nothing from
others. To push out an upload, other clients must send the whole budget while it is under way.
"""

from collections.abc import Callable, Iterator
from functools import partial
from selectors import EVENT_READ, BaseSelector
from socket import socket
from typing import Any

from service.server.connection import Connection, State, Timeouts
from service.shared_memory.worker_table import WORKERS

# A connection that buffers less is not evicted for memory.
MIN_EVICTED_BYTES = 8 * 2**10


class ConnectionTable:
    """The connections by their file descriptors; the table of workers shows their number."""

    def __init__(
        self,
        selector: BaseSelector,
        max_connections: int,
        timeouts: Timeouts,
        on_event: Callable[[Connection, int], object],
    ) -> None:
        """Begin empty; on_event gets a connection and the events that its socket is ready for."""
        self.selector, self.on_event = selector, on_event
        self.max_connections, self.timeouts = max_connections, timeouts
        self.connections: dict[int, Connection] = {}
        self.buffered_bytes = 0

    def add(self, client: socket, address: Any) -> None:  # noqa: ANN401 - as sockets have it
        """Add an accepted connection, in place of another if there are too many."""
        if len(self.connections) >= self.max_connections:
            self.close(min(self.connections.values(), key=lambda other: other.eviction_priority))
        connection = Connection(client, address, self.timeouts)
        self.connections[client.fileno()] = connection
        self.watch(connection, EVENT_READ)
        WORKERS.set_connections(len(self.connections))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.connections)

    def watch(self, connection: Connection, events: int) -> None:
        """Call on_event when the connection's socket is ready for these events, and only these; 0 is none."""
        if events == connection.events:
            return
        if connection.events:
            self.selector.unregister(connection.socket)
        if events:
            self.selector.register(connection.socket, events, partial(self.on_event, connection))
        connection.events = events

    def count(self, connection: Connection, size: int) -> None:
        """Count so many bytes as buffered for a connection."""
        self.buffered_bytes += size - connection.counted_bytes
        connection.counted_bytes = size

    def close(self, connection: Connection) -> None:
        """Close a connection and forget it."""
        if not connection.closed:
            del self.connections[connection.socket.fileno()]
            self.count(connection, 0)
            self.watch(connection, 0)
            connection.socket.close()
            WORKERS.set_connections(len(self.connections))

    def expired(self, now: float) -> list[Connection]:
        """Return the connections whose deadline has passed and that wait for their client."""
        return [connection for connection in self._waiting() if connection.deadline < now]

    def over_budget(self, budget_bytes: int) -> Iterator[Connection]:
        """Yield connections to evict, the longest-waiting first, while more bytes are buffered."""
        buffering = [other for other in self._waiting() if other.counted_bytes > MIN_EVICTED_BYTES]
        for connection in sorted(buffering, key=lambda other: other.deadline):
            if self.buffered_bytes <= budget_bytes:
                return
            yield connection

    def drain(self, idle_until: float) -> None:
        """Show in the table of workers that this one accepts no more; idle connections end at idle_until."""
        WORKERS.stop()
        for connection in self.connections.values():
            if connection.idle:
                connection.deadline = min(connection.deadline, idle_until)

    def _waiting(self) -> list[Connection]:
        """Return the connections that wait for their client, not for the app."""
        return [other for other in self.connections.values() if other.state is not State.ANSWERING]
