"""The acceptor: accepts connections, balancing them across workers.

All workers listen on the same sockets, and the system wakes any of them for a new connection. A worker that
has more connections than another (worker_table.py) pauses for a moment, so that the other accepts it. It
waits for a short time only, because the other worker may be stuck. It accepts many connections at once,
because the next turn of a busy event loop may be far away.
"""

import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, BaseSelector
from time import monotonic
from typing import Any

from service.shared_memory.worker_table import WORKERS

# A new connection is left to a worker that has fewer, for this long at most.
YIELD_SECONDS = 0.02
MAX_ACCEPTS_PER_TURN = 64
# The system's buffers of a connection, one for each direction (Linux doubles the number). By default they
# grow to megabytes for a client that takes no response, where no worker could count them.
SOCKET_BUFFER_BYTES = 256 * 2**10
OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor:
    """A worker's listening sockets, in its selector unless it is paused."""

    def __init__(
        self, listeners: Sequence[Any], selector: BaseSelector, on_connection: Callable[[Any, Any], object]
    ) -> None:
        """Begin paused; on_connection gets each client's socket and address. listeners are gunicorn's."""
        for listener in listeners:
            # Accepted sockets inherit these.
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
        self.listeners, self.selector, self.on_connection = listeners, selector, on_connection
        self.paused = True
        # When the waiting connection was first left to other workers; 0 when none is.
        self.yielding_since = 0.0

    def resume(self) -> None:
        """Accept connections from the event loop's next turn on."""
        if not self.paused:
            # No connection was left to another worker in this turn.
            self.yielding_since = 0.0
            return
        self.paused = False
        for listener in self.listeners:
            listener.settimeout(0)
            self.selector.register(listener.sock, EVENT_READ, partial(self._accept, listener))

    def pause(self) -> None:
        """Leave new connections to other workers."""
        if not self.paused:
            self.paused = True
            for listener in self.listeners:
                self.selector.unregister(listener.sock)

    def close(self) -> None:
        """Accept the pending connections, then stop listening."""
        self.pause()
        for listener in self.listeners:
            with suppress(OSError):
                while True:
                    self.on_connection(*listener.accept())
            listener.close()

    def _accept(self, listener: Any, _: int) -> None:  # noqa: ANN401 - gunicorn's socket
        for _ in range(MAX_ACCEPTS_PER_TURN):
            if not WORKERS.has_fewest_connections() and not self._has_yielded():
                self.pause()
                return
            try:
                client, address = listener.accept()
            except OSError as error:  # there is none, another worker was faster, or the client is gone
                # Out of files or memory, the connection stays pending: trying again at once would be in vain.
                if error.errno in OUT_OF_RESOURCES:
                    self.pause()
                return
            self.yielding_since = 0.0
            self.on_connection(client, address)

    def _has_yielded(self) -> bool:
        """Say whether the waiting connection was left to other workers for long enough."""
        now = monotonic()
        self.yielding_since = self.yielding_since or now
        return now - self.yielding_since > YIELD_SECONDS
