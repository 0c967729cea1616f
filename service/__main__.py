"""The service's command line: read digits in files without a server, and check the configuration.

    python -m service predict 7.png scans/         prints a table; --format csv or jsonl
    python -m service check                        checks settings, weights, keys and ports

Exit codes: 0 success; 1 a file could not be read, or the check found an error; 2 the command could not run.
"""

import os
import signal
import sys

if __name__ == "__main__":
    # One BLAS thread, as in a worker. NumPy reads these variables when it is imported.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from service.command.main import main

    # A closed pipe and Ctrl-C end the program without a traceback.
    for end in (signal.SIGPIPE, signal.SIGINT):
        signal.signal(end, signal.SIG_DFL)
    # A file name may contain bytes that are not valid text.
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]  # it is a real file here
    sys.exit(main())
