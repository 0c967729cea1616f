"""Schemathesis, a client that did not read our code, holds the running service to openapi.json: all checks.

It makes up requests that the document allows and requests that it forbids, for each operation as many as
DIGITS_FUZZ_EXAMPLES says, and compares status, type, headers and body of each answer with what is promised.
A service that is open is held to it, one that has a limit, and one with a key: for the last, the document
without the line that no key is right, too.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.api.reference import API
from tests.server import ROOT, running

# More where nothing may be skipped: there is time then.
EXAMPLES = os.environ.get("DIGITS_FUZZ_EXAMPLES") or ("200" if os.environ.get("DIGITS_REQUIRE_ALL") else "25")
KEY = "sesame"
HOOKS = "tests.service.api.schemathesis_hooks"
SETTINGS = {"DIGITS_FEEDBACK": "yes", "DIGITS_LOG_REQUESTS": "no"}


def fuzzed(folder: Path, document: Mapping[str, Any], settings: Mapping[str, str], *options: str) -> str:
    """Run schemathesis on the service with these settings; return what it says, or fail with it.

    It leaves what it found in the folder that it runs in.
    """
    (folder / "openapi.json").write_text(json.dumps(document))
    with running(SETTINGS | dict(settings)) as server:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json"),
                *("--url", f"http://127.0.0.1:{server.port}", "--checks", "all", "--no-color"),
                *("--generation-database", "none", "--continue-on-failure", *options),
            ],
            cwd=folder,
            env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout


def test_the_service_is_what_it_says(tmp_path: Path) -> None:
    """Every operation is asked, in every phase, and no check of any kind fails."""
    said = fuzzed(tmp_path, API, {}, "--max-examples", EXAMPLES)
    operations = sum(
        "operationId" in operation for item in API["paths"].values() for operation in item.values()
    )
    assert f"Tested: {operations}\n" in said


def test_whoever_asks_too_much_is_told_as_it_says(tmp_path: Path) -> None:
    """Where most requests are too many, the answers are still what the document promises."""
    fuzzed(tmp_path, API, {"DIGITS_RATE_LIMIT": "20"}, "--max-examples", "10")


def test_a_key_is_asked_for_where_it_says(tmp_path: Path) -> None:
    """With a key set, no operation that needs it answers without, or with another."""
    document = json.loads(json.dumps(API))
    document["security"].remove({})
    # Each operation is asked with the key, without, and with others in either header; a second key beside the
    # right one would prove nothing, for one of both is enough.
    options = ("--generation-with-security-parameters", "false", "--header", f"X-API-Key: {KEY}")
    fuzzed(
        tmp_path,
        document,
        {"DIGITS_API_KEY": KEY, "DIGITS_METRICS_KEY": KEY},
        "--max-examples",
        "10",
        *options,
    )
