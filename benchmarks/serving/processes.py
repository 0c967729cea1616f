"""Processor time and memory of a server's processes, from Linux's /proc."""

import os
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Indices of the fields in /proc/PID/stat, counted after the program's name.
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
    """Return the start time of each process of a tree, by its id; ids alone may be reused."""
    return {process: _fields(process)[BIRTH] for process in tree(root)}


def is_same(process: int, birth: str) -> bool:
    """Return whether the process with this id and start time is still running."""
    fields = _fields(process)
    return fields[BIRTH] == birth != GONE and fields[STATE] != ENDED


def _all() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _fields(process: int) -> list[str]:
    """Return the fields of stat after the program's name; zeros if the process has exited."""
    try:
        # The name may contain brackets and blanks.
        return (PROC / str(process) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return [GONE] * (BIRTH + 1)


def processor_seconds(root: int) -> Seconds:
    """Return the processor time that each process of a tree has used, by its id."""
    ticks = {process: _fields(process)[USER : SYSTEM + 1] for process in tree(root)}
    return {process: sum(map(int, both)) / TICKS_PER_SECOND for process, both in ticks.items()}


def since(before: Seconds, after: Seconds) -> Seconds:
    """Return the processor time of each process between two readings.

    >>> since({1: 2.0, 2: 5.0}, {1: 2.5, 3: 1.0})
    {1: 0.5, 3: 1.0}
    """
    return {process: used - before.get(process, 0.0) for process, used in after.items()}


def spread(used: Seconds) -> float:
    """Return the processor time of the busiest process over that of the second busiest.

    An idle process counts as one tick, the resolution of /proc.

    >>> spread({1: 0.0, 2: 3.0, 3: 2.0})
    1.5
    """
    busiest = sorted(used.values())[-2:]
    return busiest[-1] / max(busiest[0], 1 / TICKS_PER_SECOND)


def memory_megabytes(root: int) -> float:
    """Return the memory of a tree of processes; shared pages are counted once (Pss)."""
    return sum(_pss_kilobytes(process) for process in tree(root)) / 1000


def _pss_kilobytes(process: int) -> float:
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) * 1.024 for line in lines if line.startswith("Pss:"))
