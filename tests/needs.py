"""What a machine may lack: the tests that need it are skipped with the reason, or fail if nothing may be."""

import os
import shutil
from typing import NoReturn

import pytest


def skip(reason: str) -> NoReturn:
    """Skip the test, or fail it where DIGITS_REQUIRE_ALL is set."""
    if os.environ.get("DIGITS_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


def need(program: str) -> str:
    """Return where a program is."""
    return shutil.which(program) or skip(f"{program} is not installed")
