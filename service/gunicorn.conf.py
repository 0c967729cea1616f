"""How gunicorn runs the service: `gunicorn --config service/gunicorn.conf.py`.

The names here are gunicorn's own settings and hooks. The app is loaded once, before the workers are forked,
so that they share the memory of its weights. DIGITS_WORKER_CLASS chooses our own worker or one of
gunicorn's.
"""

import gc
import os
import sys
from typing import TYPE_CHECKING

# One BLAS thread per worker: more would compete for the cores. NumPy reads the variables when it is imported.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from service.access.validation import check  # noqa: E402 - the variables come first
from service.observability.log_format import configuration  # noqa: E402 - the same
from service.observability.nonblocking_stdout import make_nonblocking  # noqa: E402 - the same
from service.server.arbiter import drain_first, keep_trying, unblock_signals  # noqa: E402 - the same
from service.settings import Settings, SettingsError  # noqa: E402 - the same
from service.shared_memory.counters import SERIES  # noqa: E402 - the same
from service.shared_memory.worker_table import MEMORY_FOLDER, WORKERS  # noqa: E402 - the same

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

try:
    _settings = Settings.from_environment(os.environ)
    check(_settings)
except SettingsError as error:
    sys.exit(f"digits: {error}")


make_nonblocking()

wsgi_app = "service.app:create_app()"
bind = _settings.addresses
workers = _settings.workers
threads = _settings.threads
worker_class = "service.worker.Worker" if _settings.worker_class == "digits" else _settings.worker_class
logconfig_dict = configuration(_settings.log_format)
# The heartbeat's file is in memory, if there is such a folder: it must never wait for a disk.
worker_tmp_dir = MEMORY_FOLDER
preload_app = True
graceful_timeout = 30
keepalive = 75
# A read-only container has no place for the control socket, and nothing here uses it.
control_socket_disable = True


def when_ready(server: "Arbiter") -> None:
    """Prepare the master, and exempt the objects that exist before the first fork from garbage collection.

    A collection in a worker then visits fewer objects, and writes to no memory that the workers share.
    """
    keep_trying(server)
    drain_first(server, _settings.drain_seconds)
    gc.collect()
    gc.freeze()


def pre_fork(server: "Arbiter", worker: "Worker") -> None:  # noqa: ARG001 - gunicorn's form
    """Take a row of shared memory for a worker; without one it is not started, and the log says so."""
    worker.row = WORKERS.take()


def post_fork(server: "Arbiter", worker: "Worker") -> None:  # noqa: ARG001 - gunicorn's form
    """Let the new process count in its row."""
    WORKERS.enter(worker.row)
    SERIES.enter(worker.row)


def post_worker_init(worker: "Worker") -> None:  # noqa: ARG001 - gunicorn's form
    """Let the worker, which has its signal handlers now, obey the signals that came since the fork."""
    unblock_signals()


def child_exit(server: "Arbiter", worker: "Worker") -> None:  # noqa: ARG001 - gunicorn's form
    """Free the row of a worker that has exited; its counts stay."""
    WORKERS.free(worker.row)
