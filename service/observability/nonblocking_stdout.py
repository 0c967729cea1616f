"""Writes log lines to standard output without ever waiting for the process that reads them.

If the reader stopped reading, the pipe would be full after some hundred requests, and the next write would
block the service for ever. So a line that does not fit is dropped, and counted.
"""

import fcntl
import os
import stat
from contextlib import suppress

from service.shared_memory.counters import Counter

STANDARD_OUTPUT = 1
# Room for some thousand lines, while the reader is busy; the most that Linux gives an unprivileged process.
PIPE_BYTES = 2**20

DROPPED = Counter("digits_log_lines_dropped", "Log lines dropped because their reader was too slow.").labels()


def make_nonblocking() -> None:
    """Make writes fail instead of block; called in the master, before the first fork.

    A pipe or a terminal is opened anew, since other processes that share it (a shell) must not be affected. A
    socket can't be opened anew and is changed itself. Writes to a file never block.
    """
    with suppress(OSError):  # standard output is closed: there is no log
        if stat.S_ISREG(os.fstat(STANDARD_OUTPUT).st_mode):
            return
        try:
            reopened = os.open(f"/proc/self/fd/{STANDARD_OUTPUT}", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            os.set_blocking(STANDARD_OUTPUT, False)
        else:
            os.dup2(reopened, STANDARD_OUTPUT)
            os.close(reopened)
        fcntl.fcntl(STANDARD_OUTPUT, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def write(line: str) -> None:
    """Write a line in one system call, so that lines of several processes do not mix; or drop it."""
    data = f"{line}\n".encode(errors="backslashreplace")
    try:
        written = os.write(STANDARD_OUTPUT, data)
    except OSError:
        written = 0
    if written < len(data):
        DROPPED.inc()
