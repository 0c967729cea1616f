"""The race: every contestant in a process of its own, all alive, one at work.

A round gives each contestant one run with each optimizer, beginning with another contestant each time.
So whatever the machine does besides, slow down or speed up, it does to all of them, and no one always
follows the same one. Figures are compared within a round.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.training.contestants import BATCH, ENTRIES, OPTIMIZERS
from training.data.mnist import Examples

ROOT = Path(__file__).parents[2]
EPOCH_IMAGES = 60_000
OWN = ("ours", "products")
# OpenBLAS's idle threads spin for about 0.1 s before they sleep: the next one's turn waits for that.
PAUSE_SECONDS = 0.3
# All cores and the libraries' own choices for everyone, whatever this shell has set.
UNSET = ("OPENBLAS_", "GOTO_", "OMP_", "MKL_", "XLA_")
# PyTorch's tuning guide advises an allocator that keeps freed memory. glibc does so when told to.
KEEP_FREED_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864",
}

Process = subprocess.Popen[str]


class RaceError(ValueError):
    """The race can't be run; the message says which contestant failed."""


class Turn(NamedTuple):
    """One run: seconds are those of an epoch at its pace; cost is the mean loss after it."""

    round: int
    optimizer: str
    contestant: str
    seconds: float
    cost: float


class Plan(NamedTuple):
    """Who races, how often, how many steps a run, and the Python that has the rivals' libraries."""

    names: Sequence[str]
    rounds: int
    steps: int
    rivals_python: Path


@dataclass
class Race:
    """All turns of a plan, and of each contestant its version, or why it did not run."""

    plan: Plan
    turns: list[Turn] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def race(examples: Examples, plan: Plan, say: Callable[[str], object] = str) -> Race:
    """Let the plan's contestants train on the examples, in turn, and return what they took.

    Only whole batches of the examples are used, for a smaller last one would make some compile again.
    Raises RaceError when a contestant's process can't start, or ends before it is told to.
    """
    result = Race(plan)
    whole = len(examples.labels) // BATCH * BATCH
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        np.savez(folder / "examples.npz", images=examples.images[:whole], labels=examples.labels[:whole])
        processes = {}
        for name in plan.names:
            python = Path(sys.executable) if name in OWN else plan.rivals_python
            process = stack.enter_context(_start(name, folder / "examples.npz", python))
            answer = _answer(name, process)
            if "unavailable" in answer:
                result.missing[name] = answer["unavailable"]
            else:
                result.versions[name] = answer["version"]
                processes[name] = process
            say(f"{ENTRIES[name].label}: {answer.get('version', 'not measured')}")
        for turn in _turns(processes, plan.rounds, plan.steps):
            result.turns.append(turn)
            say(f"round {turn.round}, {turn.optimizer}, {turn.contestant}: {turn.seconds:.2f} s an epoch")
    return result


def _turns(processes: dict[str, Process], rounds: int, steps: int) -> Iterator[Turn]:
    names = list(processes)
    for number in range(rounds):
        for optimizer in OPTIMIZERS:
            first = number % max(len(names), 1)
            for name in names[first:] + names[:first]:
                time.sleep(PAUSE_SECONDS)
                answer = _ask(name, processes[name], {"optimizer": optimizer, "steps": steps})
                seconds = answer["seconds"] / (steps * BATCH) * EPOCH_IMAGES
                yield Turn(number + 1, optimizer, name, seconds, answer["cost"])


def environment() -> dict[str, str]:
    """Return the environment that all contestants get."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(UNSET)}
    return kept | KEEP_FREED_MEMORY


def _start(name: str, examples: Path, python: Path) -> Process:
    try:
        return subprocess.Popen(
            # Not resolved: a virtual environment's Python is a link, and is what it is by its own path.
            [python.absolute(), "-m", "benchmarks.training.process", name, examples],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    except OSError as error:
        message = f"{name}: {python} can't be started ({error.strerror}); `make bench-training` sets it up"
        raise RaceError(message) from error


def _ask(name: str, process: Process, task: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin  # noqa: S101 - it is a pipe
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    return _answer(name, process)


def _answer(name: str, process: Process) -> dict[str, Any]:
    assert process.stdout  # noqa: S101 - it is a pipe
    line = process.stdout.readline()
    if not line:
        message = f"{name}: its process ended with exit code {process.wait()}; its last words stand above"
        raise RaceError(message)
    return json.loads(line)
