"""Additions to gunicorn's master (arbiter): it survives failed forks, and drains before it stops.

They are installed on the running master, because gunicorn has no hook for either.
"""

import signal
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from service.shared_memory.worker_table import WORKERS

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

# Signals that tell a worker to stop.
TERMINATION_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


def keep_trying(server: "Arbiter") -> None:
    """Log a worker that can't be started, for lack of processes, memory or files, and try again later.

    gunicorn's master checks every second whether there are enough workers. Without this the error would end
    it, and with it the workers that run.
    """
    spawn: Callable[[], Any] = server.spawn_worker

    def spawn_or_log() -> None:
        # Blocked until the new worker has handlers of its own (unblock_signals); the master's would swallow
        # them.
        signal.pthread_sigmask(signal.SIG_BLOCK, TERMINATION_SIGNALS)
        try:
            spawn()
        except (OSError, RuntimeError) as error:
            server.log.error("no worker can be started now: %s", error)  # noqa: TRY400 - the error says all
            WORKERS.note_failed_start({worker.row for worker in server.WORKERS.values()})
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, TERMINATION_SIGNALS)

    server.spawn_worker = spawn_or_log


def unblock_signals() -> None:
    """Handle the signals that were blocked for the fork; for gunicorn's hook post_worker_init."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TERMINATION_SIGNALS)


def drain_first(server: "Arbiter", seconds: float) -> None:
    """On SIGTERM, go on answering for so many seconds, while /readyz answers 503; a second signal ends that.

    A load balancer sees it, and sends its clients elsewhere before the service stops listening.
    """

    def handle_term() -> None:
        WORKERS.start_draining()
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            for number in server.wait_for_signals(timeout=left):
                if number != signal.SIGCHLD:
                    raise StopIteration
                server.reap_workers()
                server.manage_workers()
        raise StopIteration

    server.handle_term = handle_term
