"""SECURITY.md: each threat names tests, and each of them is there."""

import re
import subprocess
import sys

import pytest

from tests.server import ROOT

TABLE = re.compile(r"^\| (?!who \||---)(.*) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)?)`")
ROWS = [row.split(" | ") for row in TABLE.findall((ROOT / "SECURITY.md").read_text(encoding="utf-8"))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:40])
def test_each_threat_names_its_answer_and_what_proves_it(row: list[str]) -> None:
    """Who, what they try, what answers it, and tests: nothing is left open, and there is nothing else."""
    who, _, answer, proof = row
    assert who
    assert answer
    assert NAMED.findall(proof)
    assert not NAMED.sub("", proof).strip(", ")


def test_each_test_that_is_named_is_there() -> None:
    """All of them are collected, by just these names."""
    named = sorted({name for row in ROWS for name in NAMED.findall(row[3])})
    assert len(named) > 40
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *named],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert collected.returncode == 0, collected.stdout + collected.stderr
    for name in named:
        assert re.search(rf"^{re.escape(name)}(\W|$)", collected.stdout, re.MULTILINE), name
