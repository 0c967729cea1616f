"""Bytes that a fuzzer makes up, guided by what of the service's code they reach, against the targets.

    make fuzz SECONDS=60                              all targets at once, each in a process of its own
    python -m tests.fuzz --seconds 60 --record        the same, with a line for each in docs/fuzz.csv

It needs atheris (libFuzzer for Python). What it finds interesting is kept in .fuzz/, and it begins there the
next time; what it finds wrong is there too, as crash-…: put it into tests/fuzz/corpus/, and it is a test.
"""

import argparse
import csv
import random
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
KEPT = ROOT / ".fuzz"
RECORD = ROOT / "docs" / "fuzz.csv"
COLUMNS = ("date", "target", "executions", "seconds", "findings")
TARGETS = ("images", "answers", "forms", "heads")
DICTIONARY = Path(__file__).parent / "words.dict"


def main() -> None:
    """Fuzz, and say what came of it; the status is 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--target", action="append", choices=TARGETS, help="which (all)")
    parser.add_argument("--seconds", type=int, default=60, help="how long")
    parser.add_argument("--record", action="store_true", help=f"add the counts to {RECORD.relative_to(ROOT)}")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given, rest = parser.parse_known_args()
    if given.only:
        _fuzz(given.only, rest)
        return
    running = {target: _begin(target, given.seconds) for target in given.target or TARGETS}
    rows = [_row(target, *_end(target, process)) for target, process in running.items()]
    for row in rows:
        print(*row, sep=",")
    if given.record:
        _write(rows)
    sys.exit(any(row[-1] for row in rows))


def _begin(target: str, seconds: int) -> "subprocess.Popen[bytes]":
    """Start a process for a target; it begins with the seeds, what was kept, and what was once found."""
    kept = KEPT / target
    kept.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz", "--only", target, str(kept)]
    if (CORPUS / target).is_dir():
        command.append(str(CORPUS / target))
    command += [f"-max_total_time={seconds}", f"-artifact_prefix={KEPT}/{target}-", "-print_final_stats=1"]
    command += ["-max_len=8192", "-timeout=30", "-rss_limit_mb=2048", "-verbosity=1"]
    with (KEPT / f"{target}.log").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def _end(target: str, process: "subprocess.Popen[bytes]") -> tuple[int, int, int]:
    """Wait for the process, and return executions, seconds and findings."""
    code = process.wait()
    log = (KEPT / f"{target}.log").read_text(errors="replace")
    if code:
        sys.stderr.write(log[-5000:])
    done = re.search(r"Done (\d+) runs in (\d+) second", log)
    executed = done or re.search(r"number_of_executed_units: (\d+)()", log)
    if not executed:
        return 0, 0, 1
    return int(executed[1]), int(executed[2] or 0), int(code != 0)


def _row(target: str, executions: int, seconds: int, findings: int) -> tuple[str, str, int, int, int]:
    return (f"{datetime.now(UTC):%Y-%m-%d}", target, executions, seconds, findings)


def _write(rows: list[tuple[str, str, int, int, int]]) -> None:
    is_new = not RECORD.exists()
    with RECORD.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(COLUMNS)
        writer.writerows(rows)


def _fuzz(target: str, arguments: list[str]) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["service"]):
        from tests.fuzz.targets import TARGETS as CHECKS
    from tests.fuzz.chunks import mutated
    from tests.fuzz.seeds import SEEDS

    for number, seed in enumerate(SEEDS[target]()):
        (KEPT / target / f"seed-{number}").write_bytes(seed)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        """Change a picture by its structure, wherever it stands, and anything else as libFuzzer does."""
        rng = random.Random(seed)
        at = data.find(b"\x89PNG")
        if at < 0 or rng.random() < 0.1:
            return atheris.Mutate(data, len(data) + 64)[:most]
        before = data[:at] if rng.random() < 0.8 else atheris.Mutate(data[:at], at + 64)
        picture = mutated(data[at:], rng, lambda bits: atheris.Mutate(bits, len(bits) + 64))
        return (before + picture)[:most]

    if target in {"images", "answers"}:
        atheris.Setup([sys.argv[0], *arguments], CHECKS[target], custom_mutator=mutate)
    else:
        atheris.Setup([sys.argv[0], *arguments], CHECKS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
