"""What is added to gunicorn's master, before one of clay: the real one is in test_faults.py."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from service.server import arbiter as master
from service.settings import Settings, SettingsError
from service.shared_memory.worker_table import WorkerTable


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> WorkerTable:
    """Places of its own."""
    own = WorkerTable()
    monkeypatch.setattr(master, "WORKERS", own)
    return own


def test_a_worker_that_cannot_be_started_leaves_no_place_taken(table: WorkerTable) -> None:
    """The error is logged and not raised; only those that are there have a place."""
    said: list[str] = []
    there = table.take()

    def spawn() -> None:
        table.take()
        raise BlockingIOError("no more processes")

    server: Any = SimpleNamespace(
        spawn_worker=spawn,
        WORKERS={1: SimpleNamespace(row=there)},
        log=SimpleNamespace(error=lambda *words: said.append(str(words))),
    )
    master.keep_trying(server)
    server.spawn_worker()
    assert "no more processes" in said[0]
    assert table.failed_starts() == 1
    assert table.workers() == 1


def test_signals_reach_a_worker_that_has_no_handlers_yet(table: WorkerTable) -> None:  # noqa: ARG001 - its places
    """What a worker is told to end by is kept while it is forked, and only then."""
    held: list[set[int]] = []
    server: Any = SimpleNamespace(
        spawn_worker=lambda: held.append({*map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))})
    )
    master.keep_trying(server)
    server.spawn_worker()
    assert held[0] >= {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & master.ENDING


def arbiter(*signals: int) -> Any:  # noqa: ANN401 - of clay
    """Return a master that will be sent these signals, and no more."""
    queue = [*signals]
    told: list[str] = []
    return SimpleNamespace(
        told=told,
        wait_for_signals=lambda timeout: [queue.pop(0)] if queue else [],  # noqa: ARG005 - gunicorn's name
        reap_workers=lambda: told.append("reap"),
        manage_workers=lambda: told.append("manage"),
    )


def test_a_worker_that_dies_while_it_drains_is_replaced(table: WorkerTable) -> None:
    """A child's end is dealt with, and the service goes on draining; told again to stop, it does at once."""
    server = arbiter(signal.SIGCHLD, signal.SIGTERM)
    master.drain_first(server, 60.0)
    with pytest.raises(StopIteration):
        server.handle_term()
    assert server.told == ["reap", "manage"]
    assert table.is_draining()


def test_without_a_time_to_drain_it_stops_at_once(table: WorkerTable) -> None:
    """It is not ready from then on."""
    server = arbiter()
    master.drain_first(server, 0)
    assert not table.is_draining()
    with pytest.raises(StopIteration):
        server.handle_term()
    assert table.is_draining()


def test_the_time_to_drain_is_no_less_than_nothing() -> None:
    """A setting below 0 is refused."""
    with pytest.raises(SettingsError, match="DIGITS_DRAIN_SECONDS must be 0 or more, not -1"):
        Settings(drain_seconds=-1)
