"""Standard output, where the log goes, written to without ever waiting for whoever reads it.

A reader that stops reading would stop the service with it: some hundred requests later the pipe is full, and
the next line waits for ever. So a line for which there is no room is dropped, and counted.
"""

import fcntl
import os
import stat
from contextlib import suppress

from service.shared_memory.counters import Counter

STANDARD_OUTPUT = 1
# Some thousand lines: a reader may be busy for a moment. The most that Linux gives to anybody.
PIPE_BYTES = 2**20

DROPPED = Counter("digits_log_lines_dropped", "Lines that the log's reader did not take in time.").labels()


def never_wait() -> None:
    """Let writing fail where it would wait; in the master, before the first fork.

    A pipe or a terminal is opened anew, since others who have it (a shell) are not to notice. A socket can't
    be, and is changed itself. A file never lets anybody wait.
    """
    with suppress(OSError):  # closed: there will be no log
        if stat.S_ISREG(os.fstat(STANDARD_OUTPUT).st_mode):
            return
        try:
            anew = os.open(f"/proc/self/fd/{STANDARD_OUTPUT}", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            os.set_blocking(STANDARD_OUTPUT, False)
        else:
            os.dup2(anew, STANDARD_OUTPUT)
            os.close(anew)
        fcntl.fcntl(STANDARD_OUTPUT, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def write(line: str) -> None:
    """Write a line at once, so that those of several processes do not mix; or drop it."""
    data = f"{line}\n".encode(errors="backslashreplace")
    try:
        written = os.write(STANDARD_OUTPUT, data)
    except OSError:
        written = 0
    if written < len(data):
        DROPPED.inc()
