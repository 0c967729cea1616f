"""The door: connections are shared evenly, many at once, and a worker that is stuck keeps none of them."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from service.server.acceptor import MOST_AT_ONCE, YIELD_SECONDS, Door
from service.shared_memory.worker_table import WORKERS


class Worker:
    """A worker's door and nothing else; `here` is who was let in."""

    def __init__(self, listener: socket.socket) -> None:
        """Take a place among the workers."""
        self.here: list[socket.socket] = []
        self.place = WORKERS.take()
        self.selector = selectors.DefaultSelector()
        gunicorns = SimpleNamespace(
            sock=listener, accept=listener.accept, settimeout=listener.settimeout, close=listener.close
        )
        self.door = Door([gunicorns], self.selector, self.place, self.welcome)

    def welcome(self, client: socket.socket, _: object) -> None:
        """Count a connection."""
        self.here.append(client)
        WORKERS.set_connections(self.place, len(self.here))

    def turn(self) -> None:
        """Run the loop once."""
        self.door.open()
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
    for worker in both:
        WORKERS.connections[worker.place] = 0
        for client in worker.here:
            client.close()
        worker.selector.close()


def call(stack: ExitStack, listener: socket.socket, number: int) -> None:
    """Let so many clients connect."""
    for _ in range(number):
        stack.enter_context(socket.create_connection(listener.getsockname()))


def test_few_are_shared_evenly(listener: socket.socket, workers: list[Worker]) -> None:
    """Ten that come at once are five each, whoever looks first."""
    with ExitStack() as stack:
        call(stack, listener, 10)
        for _ in range(10):
            for worker in workers:
                worker.turn()
        assert [len(worker.here) for worker in workers] == [5, 5]


def test_many_are_let_in_in_one_turn(listener: socket.socket, workers: list[Worker]) -> None:
    """A worker that has no more than the other takes many at once; with many each, not one by one."""
    first, second = workers
    WORKERS.set_connections(second.place, 1000)
    with ExitStack() as stack:
        call(stack, listener, MOST_AT_ONCE + 10)
        first.turn()
        assert len(first.here) == MOST_AT_ONCE
        WORKERS.set_connections(first.place, 100)
        WORKERS.set_connections(second.place, 100)
        second.turn()
        assert len(second.here) == 10


def test_a_stuck_worker_keeps_nobody_waiting(listener: socket.socket, workers: list[Worker]) -> None:
    """What is left to the other, who does not come, is taken after a while, however long a turn takes."""
    first, _ = workers
    with ExitStack() as stack:
        call(stack, listener, 2)
        first.turn()
        assert len(first.here) == 1
        time.sleep(5 * YIELD_SECONDS)
        first.turn()
        assert len(first.here) == 2
