"""How gunicorn runs the service: `gunicorn --config service/gunicorn.conf.py`.

The names here are gunicorn's own settings. The app is loaded once, before the workers are forked, so
that they share the weights' memory.
"""

import atexit
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

# One BLAS thread a worker: more would fight over the cores. NumPy reads this when it is imported,
# which is after this file was.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from service.logs import configuration  # noqa: E402 - the variables come first
from service.settings import Settings, SettingsError  # noqa: E402 - the same

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

try:
    _settings = Settings.from_environment(os.environ)
except SettingsError as error:
    sys.exit(f"digits: {error}")


def _remove(folder: str, master: int) -> None:
    """Leave no folder behind; a worker inherits this duty, but it is the master's."""
    if os.getpid() == master:
        shutil.rmtree(folder, ignore_errors=True)


# Memory, where there is such a folder: the heartbeat and the counters must never wait for a disk.
_in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of our own is made in it
# A reload reads this file again, and must find the counters where they were.
if FOLDER_VARIABLE not in os.environ:
    os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="digits-metrics-", dir=_in_memory)
    atexit.register(_remove, os.environ[FOLDER_VARIABLE], os.getpid())

wsgi_app = "service.app:create_app()"
bind = f"{_settings.host}:{_settings.port}"
workers = _settings.workers
threads = _settings.threads
worker_class = "service.worker.Worker"
logconfig_dict = configuration(_settings.log_format)
worker_tmp_dir = _in_memory
preload_app = True
graceful_timeout = 30
keepalive = 75
# A read-only container has no place for it, and nothing here uses it.
control_socket_disable = True


def when_ready(_: "Arbiter") -> None:
    """Leave what is there before the first fork out of every later collection of garbage.

    A collection in a worker looks at less, and writes to no memory that the workers share.
    """
    gc.collect()
    gc.freeze()


def child_exit(server: "Arbiter", worker: "Worker") -> None:  # noqa: ARG001 - gunicorn's form
    """Keep the counts of a worker that is gone, however it went."""
    from service.metrics import merge_dead_worker  # noqa: PLC0415 - it needs the folder to be set

    merge_dead_worker(Path(os.environ[FOLDER_VARIABLE]), worker.pid)
    worker.give_back_place()
