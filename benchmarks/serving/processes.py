"""What a server's processes cost, from Linux's /proc: processor time and memory."""

import os
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Places in stat, counted from what follows the program's name.
STATE, PARENT, USER, SYSTEM, BIRTH = 0, 1, 11, 12, 19
GONE, ENDED = "0", "Z"
Seconds = dict[int, float]


def tree(root: int) -> list[int]:
    """Return the process ids of a process and all its descendants."""
    parents = {process: int(_fields(process)[PARENT]) for process in _all()}
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def births(root: int) -> dict[int, str]:
    """Return when each process of a tree began, by its id: ids are given again, but not at the same time."""
    return {process: _fields(process)[BIRTH] for process in tree(root)}


def is_same(process: int, birth: str) -> bool:
    """Say whether a process of that id is still at work, and the one that began then."""
    fields = _fields(process)
    return fields[BIRTH] == birth != GONE and fields[STATE] != ENDED


def _all() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _fields(process: int) -> list[str]:
    """Return what stands after the program's name in stat; zeros when the process is gone."""
    try:
        # The name may hold anything, brackets and blanks included.
        return (PROC / str(process) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return [GONE] * (BIRTH + 1)


def processor_seconds(root: int) -> Seconds:
    """Return the processor time that each process of a tree has used, by its id."""
    ticks = {process: _fields(process)[USER : SYSTEM + 1] for process in tree(root)}
    return {process: sum(map(int, both)) / TICKS_PER_SECOND for process, both in ticks.items()}


def since(before: Seconds, after: Seconds) -> Seconds:
    """Return what each process has used between two readings.

    >>> since({1: 2.0, 2: 5.0}, {1: 2.5, 3: 1.0})
    {1: 0.5, 3: 1.0}
    """
    return {process: used - before.get(process, 0.0) for process, used in after.items()}


def spread(used: Seconds) -> float:
    """Return how often the least busy of the two busiest processes fits into the busiest.

    An idle process counts as one tick, the least that can be told.

    >>> spread({1: 0.0, 2: 3.0, 3: 2.0})
    1.5
    """
    busiest = sorted(used.values())[-2:]
    return busiest[-1] / max(busiest[0], 1 / TICKS_PER_SECOND)


def memory_megabytes(root: int) -> float:
    """Return a tree's memory; what processes share is divided among them (Pss)."""
    return sum(_pss_kilobytes(process) for process in tree(root)) / 1000


def _pss_kilobytes(process: int) -> float:
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) * 1.024 for line in lines if line.startswith("Pss:"))
