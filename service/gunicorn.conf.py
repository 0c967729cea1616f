"""How gunicorn runs the service: `gunicorn --config service/gunicorn.conf.py`.

The names here are gunicorn's own settings. The app is loaded once, before the workers are forked, so
that they share the weights' memory.
"""

import gc
import os
import sys
from typing import TYPE_CHECKING

# One BLAS thread a worker: more would fight over the cores. NumPy reads this when it is imported,
# which is after this file was.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from service.access.keys import KeysError, check_file  # noqa: E402 - the variables come first
from service.observability.log_format import configuration  # noqa: E402 - the same
from service.observability.nonblocking_stdout import never_wait  # noqa: E402 - the same
from service.server.arbiter import drain_first, keep_trying  # noqa: E402 - the same
from service.settings import Settings, SettingsError  # noqa: E402 - the same
from service.shared_memory.counters import SHARED  # noqa: E402 - the same
from service.shared_memory.worker_table import IN_MEMORY, LOADS  # noqa: E402 - the same

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

try:
    _settings = Settings.from_environment(os.environ)
    if _settings.api_key_file:
        check_file(_settings.api_key_file)
except (SettingsError, KeysError) as error:
    sys.exit(f"digits: {error}")


never_wait()

wsgi_app = "service.app:create_app()"
bind = _settings.addresses
workers = _settings.workers
threads = _settings.threads
worker_class = "service.worker.Worker"
logconfig_dict = configuration(_settings.log_format)
# Memory, where there is such a folder: the heartbeat must never wait for a disk.
worker_tmp_dir = IN_MEMORY
preload_app = True
graceful_timeout = 30
keepalive = 75
# A read-only container has no place for it, and nothing here uses it.
control_socket_disable = True


def when_ready(server: "Arbiter") -> None:
    """Prepare the master, and leave what is there before the first fork out of every collection of garbage.

    A collection in a worker then looks at less, and writes to no memory that the workers share.
    """
    keep_trying(server)
    drain_first(server, _settings.drain_seconds)
    gc.collect()
    gc.freeze()


def pre_fork(server: "Arbiter", worker: "Worker") -> None:  # noqa: ARG001 - gunicorn's form
    """Take a place for a worker, whatever its class."""
    worker.place = LOADS.take()


def post_fork(server: "Arbiter", worker: "Worker") -> None:  # noqa: ARG001 - gunicorn's form
    """Let the worker count in the row of its place."""
    SHARED.enter(1 + worker.place)


def child_exit(server: "Arbiter", worker: "Worker") -> None:  # noqa: ARG001 - gunicorn's form
    """Free the place of a worker that is gone; what it counted stays."""
    LOADS.give_back(worker.place)
