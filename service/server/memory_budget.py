"""Memory for what a worker keeps for its clients: bounded in all, whatever each of them does.

    a connection    what has come of a request that is not whole, and what is not taken of an answer
    the house       bodies that wait for a thread, or are in one (large.py)

Only what has come is counted: to announce a large body costs nobody else anything. Where there is too much,
the connection that has had the most time is let go. So to push out an upload, others must send all that
there is room for within the time that it takes.
"""

from service.server.connection import Connection

# Bodies of the greatest size for which there is room; where that is small, room for some long answers.
UPLOADS = 2
LEAST_BYTES = 16 * 2**20


class Memory:
    """The bytes that a process keeps for clients; room is what is left, below 0 when it is too much."""

    def __init__(self, most_bytes: int) -> None:
        """Keep nothing yet; most_bytes is the largest body's size."""
        self.room = self.most = max(UPLOADS * most_bytes, LEAST_BYTES)
        self.busy = 0

    def count(self, connection: Connection) -> None:
        """Count what a connection keeps by now."""
        kept = len(connection.received) + len(connection.outgoing)
        self.room += connection.kept - kept
        connection.kept = kept

    def forget(self, connection: Connection) -> None:
        """Count a connection that is gone no more."""
        self.room += connection.kept
        connection.kept = 0

    def fits(self, length: int) -> bool:
        """Say whether there would be room for a body if nobody else's were on its way."""
        return length <= self.most - self.busy

    def begin(self, length: int) -> None:
        """Count a body that is to be answered."""
        self.busy += length
        self.room -= length

    def end(self, length: int) -> None:
        """Count a body no more that has been answered."""
        self.begin(-length)
