"""The additions to gunicorn's master, on a stand-in for it; test_faults.py has the real one."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from service.server import arbiter
from service.settings import Settings, SettingsError
from service.shared_memory.worker_table import WorkerTable


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> WorkerTable:
    """Places of its own."""
    own = WorkerTable()
    monkeypatch.setattr(arbiter, "WORKERS", own)
    return own


def test_a_worker_that_cannot_be_started_leaves_no_row_taken(table: WorkerTable) -> None:
    """A failed fork is logged and not raised; only running workers keep their rows."""
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
    arbiter.keep_trying(server)
    server.spawn_worker()
    assert "no more processes" in said[0]
    assert table.workers() == 1


def test_signals_reach_a_worker_that_has_no_handlers_yet(table: WorkerTable) -> None:  # noqa: ARG001 - its rows
    """Termination signals are blocked while a worker is forked, and only then."""
    held: list[set[int]] = []
    server: Any = SimpleNamespace(
        spawn_worker=lambda: held.append({*map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))})
    )
    arbiter.keep_trying(server)
    server.spawn_worker()
    assert held[0] >= {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & arbiter.TERMINATION_SIGNALS


def stand_in(*signals: int) -> Any:  # noqa: ANN401 - gunicorn's, untyped
    """Return a master that gets these signals, and no more."""
    queue = [*signals]
    told: list[str] = []
    return SimpleNamespace(
        told=told,
        wait_for_signals=lambda timeout: [queue.pop(0)] if queue else [],  # noqa: ARG005 - gunicorn's name
        reap_workers=lambda: told.append("reap"),
        manage_workers=lambda: told.append("manage"),
    )


def test_a_worker_that_dies_while_it_drains_is_replaced(table: WorkerTable) -> None:
    """A worker's death does not end the drain; a second termination signal does, at once."""
    server = stand_in(signal.SIGCHLD, signal.SIGTERM)
    arbiter.drain_first(server, 60.0)
    with pytest.raises(StopIteration):
        server.handle_term()
    assert server.told == ["reap", "manage"]
    assert table.is_draining()


def test_without_a_time_to_drain_it_stops_at_once(table: WorkerTable) -> None:
    """With 0 seconds SIGTERM stops the service at once, and it is not ready from then on."""
    server = stand_in()
    arbiter.drain_first(server, 0)
    assert not table.is_draining()
    with pytest.raises(StopIteration):
        server.handle_term()
    assert table.is_draining()


def test_the_time_to_drain_is_no_less_than_nothing() -> None:
    """DIGITS_DRAIN_SECONDS below 0 is refused."""
    with pytest.raises(SettingsError, match="DIGITS_DRAIN_SECONDS must be 0 or more, not -1"):
        Settings(drain_seconds=-1)
