"""Programs that these tests run, and that need not be there."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# One core is enough for each: other tests run beside it.
ENVIRONMENT = {**os.environ, "GOMAXPROCS": "1"}


def need(program: str) -> str:
    """Return where a program is; where it is not, skip the test, or fail it if nothing may be skipped."""
    path = shutil.which(program)
    if path:
        return path
    if os.environ.get("DIGITS_REQUIRE_ALL"):
        pytest.fail(f"{program} is not installed")
    pytest.skip(f"{program} is not installed")


def check(program: str, *arguments: str | Path) -> None:
    """Run a program that must be content with what it is given."""
    done = subprocess.run(
        [need(program), *arguments], capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
