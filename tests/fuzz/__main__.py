"""Bytes that a fuzzer makes up, guided by what of the service's code they reach, against the targets.

    make fuzz SECONDS=60       all targets at once, each in a process of its own

It needs atheris (libFuzzer for Python). What it finds interesting is kept in .fuzz/, and it begins there the
next time; what it finds wrong is there, too, as TARGET-crash-…: in tests/fuzz/corpus/TARGET/ it is a test.
"""

import argparse
import csv
import math
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
KEPT = ROOT / ".fuzz"
RECORD = ROOT / "docs" / "fuzz.csv"
# A process of atheris grows by half a kB with each change that is made for it: it ends after so many.
FLAGS = ["-runs=1000000", "-max_len=8192", "-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1"]


class Count(NamedTuple):
    """What came of a target: a line of docs/fuzz.csv."""

    date: str
    target: str
    executions: int
    seconds: int
    findings: int


def main() -> None:
    """Fuzz, and say what came of it; the status is 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--target", action="append", choices=TARGETS, help="which; all, if none is named")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--record", action="store_true", help=f"add the counts to {RECORD.relative_to(ROOT)}")
    given = parser.parse_args()
    targets = given.target or [*TARGETS]
    with ThreadPoolExecutor(len(targets)) as pool:
        counts = [*pool.map(partial(_fuzz, seconds=given.seconds), targets)]
    csv.writer(sys.stdout, lineterminator="\n").writerows([Count._fields, *counts])
    if given.record:
        with RECORD.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(counts)
    sys.exit(any(count.findings for count in counts))


def _fuzz(target: str, seconds: int) -> Count:
    """Fuzz a target, one process after the other, until time is up or something is found."""
    began, executions, failed = monotonic(), 0, False
    while not failed and monotonic() < began + seconds:
        left = math.ceil(began + seconds - monotonic())
        failed, executed = _run(target, left)
        executions += executed
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    return Count(date, target, executions, round(monotonic() - began), int(failed))


def _run(target: str, seconds: int) -> tuple[bool, int]:
    """Fuzz in a process of its own; return whether it found anything, and how many executions it made.

    It begins with what is kept: the seeds, what was interesting before, and what was once found.
    """
    kept = KEPT / target
    kept.mkdir(parents=True, exist_ok=True)
    flags = [*FLAGS, f"-max_total_time={seconds}", f"-artifact_prefix={KEPT}/{target}-"]
    command = [sys.executable, "-m", "tests.fuzz.guided", target, *flags, str(kept), str(CORPUS / target)]
    run = subprocess.run(command, cwd=ROOT, check=False, stderr=subprocess.PIPE, text=True, errors="replace")
    executed = re.search(r"number_of_executed_units: +(\d+)", run.stderr)
    if run.returncode or not executed:
        sys.stderr.write(run.stderr[-5000:])
        return True, int(executed[1]) if executed else 0
    return False, int(executed[1])


if __name__ == "__main__":
    main()
