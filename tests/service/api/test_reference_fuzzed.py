"""Schemathesis tests the running service against openapi.json, with all its checks.

It generates requests that the document allows and requests that it forbids, for each operation as many as
DIGITS_FUZZ_EXAMPLES says, and compares status, type, headers and body of each response with the document. It
tests an open service, one with a rate limit, and one with a key; for the last one, the document's entry that
no key is needed is removed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.openapi import API
from tests.server import ROOT, running

# More where nothing may be skipped, as in .ci/run, which has the time for it.
EXAMPLES = os.environ.get("DIGITS_FUZZ_EXAMPLES") or ("200" if os.environ.get("DIGITS_REQUIRE_ALL") else "25")
KEY = "sesame"
HOOKS = "tests.service.api.schemathesis_hooks"
SETTINGS = {"DIGITS_FEEDBACK": "yes", "DIGITS_LOG_REQUESTS": "no"}


def fuzzed(folder: Path, document: Mapping[str, Any], settings: Mapping[str, str], *options: str) -> str:
    """Run schemathesis on the service with these settings; return its output, or fail with it.

    It writes its findings into the folder.
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


def test_the_service_conforms_to_its_document(tmp_path: Path) -> None:
    """Every operation is tested in every phase, and no check fails."""
    said = fuzzed(tmp_path, API, {}, "--max-examples", EXAMPLES)
    operations = sum(
        "operationId" in operation for item in API["paths"].values() for operation in item.values()
    )
    assert f"Tested: {operations}\n" in said


def test_a_service_with_a_rate_limit_conforms(tmp_path: Path) -> None:
    """Where most requests exceed the rate limit, the responses still conform to the document."""
    fuzzed(tmp_path, API, {"DIGITS_RATE_LIMIT": "20"}, "--max-examples", "10")


def test_a_service_with_a_key_conforms(tmp_path: Path) -> None:
    """With a key set, no operation that requires it succeeds without it, or with another key."""
    document = json.loads(json.dumps(API))
    document["security"].remove({})
    # Each operation is called with the key, without it, and with wrong keys in either header. No second key
    # is generated beside the right one, because one valid key is enough.
    options = ("--generation-with-security-parameters", "false", "--header", f"X-API-Key: {KEY}")
    fuzzed(
        tmp_path,
        document,
        {"DIGITS_API_KEY": KEY, "DIGITS_METRICS_KEY": KEY},
        "--max-examples",
        "10",
        *options,
    )
