"""The examples on the pages in docs/: each runs as it stands, and prints what the page shows."""

import re
import subprocess
import sys

from tests.docs.pages import DOCS, PAGES, examples, output, prose
from tests.needs import need
from tests.server import ROOT, Server


def test_python_client(server: Server) -> None:
    """The example of the Python client prints what is shown below it."""
    ((block, shown),) = examples("docs/client.md", "python", "DigitsClient")
    assert output(server, sys.executable, text=block) == shown


def test_javascript(server: Server) -> None:
    """The JavaScript example prints the digit."""
    ((block, _),) = examples("docs/client.md", "js", "fetch")
    assert output(server, need("node"), "--input-type=module", text=block) == "7 false\n"


def test_curl(server: Server) -> None:
    """The curl commands get a receipt and an explanation, and two answers to a form of two files."""
    (one, _), (form, _) = examples("docs/client.md", "sh", "curl ")
    need("curl")
    answer = output(server, "bash", "-c", one)
    assert all(f'"{name}": ' in answer for name in ("digit", "receipt", "explanation"))
    answers = output(server, "bash", "-c", form)
    assert '{"predictions": [{"digit": 7,' in answers
    assert '"status": 415' in answers


def test_load(server: Server) -> None:
    """The load command gets an answer to each of its requests."""
    ((block, _),) = examples("docs/client.md", "sh", "hey ")
    need("hey")
    assert re.search(r"\[200\]\s+2000 responses", output(server, "bash", "-c", block))


def test_command_line(server: Server) -> None:
    """The example of the command line prints what is shown below it."""
    ((block, shown),) = examples("docs/command-line.md", "sh", "service predict")
    assert output(server, "bash", "-c", block.replace(".venv/serve/bin/python", sys.executable)) == shown


def test_open_inference(server: Server) -> None:
    """The examples of the Open Inference Protocol read the digit, with curl and with Triton's client."""
    ((curl, _),) = examples("docs/open-inference.md", "sh", "curl ")
    ((triton, _),) = examples("docs/open-inference.md", "python", "tritonclient")
    need("curl")
    assert '"data": [7]' in output(server, "bash", "-c", curl)
    assert output(server, sys.executable, text=triton) == "[7]\n"


def test_training_commands_exist() -> None:
    """Each command of the training program that its page names exists, with the options that are used."""
    page = prose(DOCS / "training.md")
    named = set(re.findall(r"^\| `([a-z-]+)`", page, re.MULTILINE))
    assert named
    assert named <= set(re.findall(r"^  ([a-z-]+) ", help_of(), re.MULTILINE))
    ((block, _),) = examples("docs/training.md", "sh", "training fit")
    used = set(re.findall(r" (--[a-z-]+)", block)) | {"--test", "--resume", "--data-dir"}
    assert used <= set(re.findall(r"--[a-z-]+", help_of("fit")))


def help_of(*command: str) -> str:
    """Return what the training program says about a command, or about itself."""
    line = [sys.executable, "-m", "training", *command, "--help"]
    return subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_make_targets_exist() -> None:
    """Each `make` command that a page names is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^|    )make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page
