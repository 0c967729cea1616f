"""What gunicorn's master does besides: it outlives want of processes, and says so before it goes.

Installed on the running master; gunicorn has no hook for either.
"""

import signal
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from service.shared_memory.worker_table import WORKERS

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

# What a worker is told to end by.
ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


def keep_trying(server: "Arbiter") -> None:
    """Let a worker that can't be started, for want of processes, memory or descriptors, be tried again.

    The master looks every second whether there are enough. Otherwise the error would end it, and with it the
    workers that are there.
    """
    spawn: Callable[[], Any] = server.spawn_worker

    def spawn_or_wait() -> None:
        # Kept for a child until it has handlers of its own: what the master's would take from it, is lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            spawn()
        except (OSError, RuntimeError) as error:
            server.log.error("no worker can be started now: %s", error)  # noqa: TRY400 - it says all
            WORKERS.note_failed_start({worker.row for worker in server.WORKERS.values()})
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    server.spawn_worker = spawn_or_wait


def drain_first(server: "Arbiter", seconds: float) -> None:
    """Let SIGTERM begin with a time in which all is answered but /readyz says no.

    A load balancer sees it, and sends its clients elsewhere before the door is shut. A second signal ends it.
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
