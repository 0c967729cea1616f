"""SECURITY.md: each threat has a defence and names its tests, which exist."""

import re
import subprocess
import sys

import pytest

from tests.server import ROOT

TABLE = re.compile(r"^\| (?!attacker \||---)(.*) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)?)`")
ROWS = [row.split(" | ") for row in TABLE.findall((ROOT / "SECURITY.md").read_text(encoding="utf-8"))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:40])
def test_each_threat_has_a_defence_and_tests(row: list[str]) -> None:
    """A row has an attacker, a goal, a defence and names of tests, and nothing else."""
    attacker, goal, defence, tests = row
    assert attacker
    assert goal
    assert defence
    assert NAMED.findall(tests)
    assert not NAMED.sub("", tests).strip(", ")


def test_each_named_test_exists() -> None:
    """Pytest collects each test under exactly this name."""
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
