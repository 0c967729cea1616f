"""Measure the time and memory that reading an image takes, each in a process of its own.

    python -m tests.service.images.measured FILE …

Prints a line of JSON for each file: the outcome (`read`, or the reason of its rejection), the seconds of
processor time, and the MB by which the process grew at most, without the file itself.
"""

import json
import os
import resource
import sys
from pathlib import Path
from time import process_time
from typing import Any

from service.images.codec import InvalidImage, decode
from service.images.normalise import normalise
from service.settings import Settings


def main() -> None:
    """Measure each file in a new child process, which has read nothing before."""
    for name in sys.argv[1:]:
        child = os.fork()
        if not child:
            sys.stdout.write(json.dumps(_measure(Path(name))) + "\n")
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


def _measure(path: Path) -> dict[str, Any]:
    data, most = path.read_bytes(), Settings().max_pixels
    before, began, outcome = _peak_mb(), process_time(), "read"
    try:
        normalise(decode(data, most))
    except InvalidImage as error:
        outcome = error.reason
    seconds = process_time() - began
    return {"file": path.name, "outcome": outcome, "seconds": seconds, "mb": _peak_mb() - before}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
