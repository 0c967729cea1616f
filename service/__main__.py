"""The command line of the service: digits in files without a server, and a look before it starts.

    python -m service predict 7.png scans/         a table; CSV or JSON lines by --format
    python -m service check                        settings, weights, port

Exit codes: 0; 1 when a file could not be read, or the check found something wrong; 2 when it can't go on.
"""

import os
import signal
import sys

if __name__ == "__main__":
    # One BLAS thread, as in a worker: more would wait for each other. NumPy reads this when it is imported.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from service.command.main import main

    # Whoever reads no more, or presses Ctrl-C, wants no traceback.
    for end in (signal.SIGPIPE, signal.SIGINT):
        signal.signal(end, signal.SIG_DFL)
    # A file's name need not be text.
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]  # it is a real file here
    sys.exit(main())
