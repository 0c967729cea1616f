"""A contestant's process: told what to do on standard input, it answers on standard output.

    python -m benchmarks.training.process NAME EXAMPLES.npz

A line each way, in JSON. First it says {"version": …}, or {"unavailable": …} and ends. Then
{"optimizer": …, "steps": …} is answered with {"seconds": …, "cost": …}, until the input ends.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.training.contestants import OPTIMIZERS, Unavailable, enter
from training.data.mnist import Examples


def main(name: str, path: Path) -> None:
    """Enter the contestant, and serve until told no more."""
    answers = _take_standard_output()
    with np.load(path) as archive:
        examples = Examples(archive["images"], archive["labels"])
    try:
        contestants = {optimizer: enter(name, optimizer, examples) for optimizer in OPTIMIZERS}
        for contestant in contestants.values():
            contestant.run(1)
    except Unavailable as reason:
        _say(answers, {"unavailable": str(reason)})
        return
    _say(answers, {"version": contestants[OPTIMIZERS[0]].version})
    for line in sys.stdin:
        task = json.loads(line)
        contestant = contestants[task["optimizer"]]
        seconds = contestant.run(task["steps"])
        _say(answers, {"seconds": seconds, "cost": contestant.cost()})


def _take_standard_output() -> TextIO:
    """Return standard output, and turn what libraries print to it to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
