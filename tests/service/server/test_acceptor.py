"""The acceptor: connections are balanced across workers, accepted many at once, and kept by no stuck one."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from service.server.acceptor import MAX_ACCEPTS_PER_TURN, YIELD_SECONDS, Acceptor
from service.shared_memory.worker_table import WORKERS


class Worker:
    """A worker's acceptor and nothing else; `accepted` has the clients' sockets."""

    def __init__(self, listener: socket.socket) -> None:
        """Take a row of the worker table."""
        self.accepted: list[socket.socket] = []
        self.row = WORKERS.take()
        self.selector = selectors.DefaultSelector()
        gunicorns = SimpleNamespace(
            sock=listener, accept=listener.accept, settimeout=listener.settimeout, close=listener.close
        )
        self.acceptor = Acceptor([gunicorns], self.selector, self.add)

    def add(self, client: socket.socket, _: object) -> None:
        """Count a connection."""
        self.accepted.append(client)
        WORKERS.set_connections(len(self.accepted))

    def turn(self) -> None:
        """Run the loop once, as the process of this row."""
        WORKERS.enter(self.row)
        self.acceptor.resume()
        for key, events in self.selector.select(0):
            key.data(events)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listening:
        yield listening


@pytest.fixture
def workers(listener: socket.socket) -> Iterator[list[Worker]]:
    """Two workers that share it."""
    both = [Worker(listener), Worker(listener)]
    yield both
    WORKERS.enter(0)
    for worker in both:
        WORKERS.connections[worker.row] = 0
        for client in worker.accepted:
            client.close()
        worker.selector.close()


def connect(stack: ExitStack, listener: socket.socket, number: int) -> None:
    """Let so many clients connect."""
    for _ in range(number):
        stack.enter_context(socket.create_connection(listener.getsockname()))


def test_connections_are_balanced(listener: socket.socket, workers: list[Worker]) -> None:
    """Of ten connections at once each worker accepts five, whichever is woken first."""
    with ExitStack() as stack:
        connect(stack, listener, 10)
        for _ in range(10):
            for worker in workers:
                worker.turn()
        assert [len(worker.accepted) for worker in workers] == [5, 5]


def test_many_are_accepted_in_one_turn(listener: socket.socket, workers: list[Worker]) -> None:
    """A worker that has no more connections than the other accepts many in a turn, and not one by one."""
    first, second = workers
    WORKERS.connections[second.row] = 1001
    with ExitStack() as stack:
        connect(stack, listener, MAX_ACCEPTS_PER_TURN + 10)
        first.turn()
        assert len(first.accepted) == MAX_ACCEPTS_PER_TURN
        WORKERS.connections[first.row] = WORKERS.connections[second.row] = 101
        second.turn()
        assert len(second.accepted) == 10


def test_a_stuck_worker_keeps_no_connection_waiting(listener: socket.socket, workers: list[Worker]) -> None:
    """A connection left to a worker that does not accept it is accepted after a short time."""
    first, _ = workers
    with ExitStack() as stack:
        connect(stack, listener, 2)
        first.turn()
        assert len(first.accepted) == 1
        time.sleep(5 * YIELD_SECONDS)
        first.turn()
        assert len(first.accepted) == 2
