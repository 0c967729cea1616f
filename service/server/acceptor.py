"""Where new connections come in: each is left to the worker that has the fewest.

The system wakes whichever worker it likes. One that has more than another (loads.py) shuts its door for a
moment, so that the other takes the connection; but not again and again: that other may be stuck. Of those
that wait at an open door many are let in at once: where each connection that is in has work for this turn,
the next turn is far away.
"""

import errno
import selectors
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from service.shared_memory.worker_table import WORKERS

# A new connection is left to a worker that has fewer, for this long at most.
YIELD_SECONDS = 0.02
MOST_AT_ONCE = 64
# What the system buffers for a connection in each direction (it doubles that). Left alone, it would hold some
# megabytes for each client that takes no answer, which nobody here could count.
BUFFER_BYTES = 256 * 2**10


class Door:
    """A worker's listening sockets, watched while it is open."""

    def __init__(
        self,
        listeners: Sequence[Any],
        selector: selectors.BaseSelector,
        place: int,
        welcome: Callable[[Any, Any], object],
    ) -> None:
        """Stay shut; welcome gets each new client's socket and address. listeners are gunicorn's own."""
        for listener in listeners:
            # Each connection that is accepted has what its listener has.
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.listeners, self.selector, self.place, self.welcome = listeners, selector, place, welcome
        self.is_open = False
        # Since when the connection that waits is left to others; 0 when none is.
        self.yielding_since = 0.0

    def open(self) -> None:
        """Let clients in, from the loop's next turn on."""
        if self.is_open:
            # Nobody came in that turn, or was let in: whoever comes next is another one.
            self.yielding_since = 0.0
        else:
            self.is_open = True
            for listener in self.listeners:
                listener.settimeout(0)
                self.selector.register(listener.sock, selectors.EVENT_READ, partial(self._let_in, listener))

    def shut(self) -> None:
        """Leave clients to other workers."""
        if self.is_open:
            self.is_open = False
            for listener in self.listeners:
                self.selector.unregister(listener.sock)

    def close(self) -> None:
        """Let those in who wait before the door, and nobody any more."""
        self.shut()
        for listener in self.listeners:
            with suppress(OSError):
                while True:
                    self.welcome(*listener.accept())
            listener.close()

    def _let_in(self, listener: Any, _: int) -> None:  # noqa: ANN401 - gunicorn's socket
        for _ in range(MOST_AT_ONCE):
            if not WORKERS.has_fewest_connections(self.place) and not self._has_yielded_enough():
                self.shut()
                return
            try:
                client, address = listener.accept()
            except OSError as error:  # nobody waits, or another worker was faster, or the client is gone
                # Without a file for it, a connection stays to be taken: not to be tried again at once.
                if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                    self.shut()
                return
            self.yielding_since = 0.0
            self.welcome(client, address)

    def _has_yielded_enough(self) -> bool:
        """Say whether a connection has been left to others for long."""
        now = monotonic()
        self.yielding_since = self.yielding_since or now
        return now - self.yielding_since > YIELD_SECONDS
