"""The README's examples for programs: each is run as it stands, and gives what stands there."""

import re
import subprocess
import sys
from itertools import pairwise

from tests.needs import need
from tests.server import ROOT, Server

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "README.md").read_text())


def examples(language: str, words: str) -> list[tuple[str, str]]:
    """Return the blocks of a language that hold these words, each with the block that follows it."""
    return [
        (block, after)
        for (kind, block), (_, after) in pairwise([*BLOCKS, ("", "")])
        if kind == language and words in block
    ]


def output(server: Server, *command: str, text: str = "") -> str:
    """Run a command with that input before a server, and return what it prints."""
    there = f"127.0.0.1:{server.port}"
    ended = subprocess.run(
        [part.replace("localhost:8080", there) for part in command],
        input=text.replace("localhost:8080", there),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.stdout


def test_python(server: Server) -> None:
    """The client's example prints what is shown."""
    ((block, shown),) = examples("python", "DigitsClient")
    assert output(server, sys.executable, text=block) == shown


def test_javascript(server: Server) -> None:
    """The example for JavaScript prints the digit."""
    ((block, _),) = examples("js", "fetch")
    assert output(server, need("node"), "--input-type=module", text=block) == "7 false\n"


def test_curl(server: Server) -> None:
    """Both commands get what is said of them."""
    (one, shown), (several, _) = examples("sh", "curl ")
    need("curl")
    assert shown.startswith('{"digit": 7,')
    assert '{"digit": 7,' in output(server, "bash", "-c", one)
    answers = output(server, "bash", "-c", several)
    assert '{"predictions": [{"digit": 7,' in answers
    assert '"status": 415' in answers


def test_load(server: Server) -> None:
    """All of the load is answered."""
    ((block, _),) = examples("sh", "hey ")
    need("hey")
    assert re.search(r"\[200\]\s+2000 responses", output(server, "bash", "-c", block))


def test_files(server: Server) -> None:
    """The command line's example prints what is shown."""
    ((block, shown),) = examples("sh", "service predict")
    command = block.replace(".venv/serve/bin/python", sys.executable)
    assert output(server, "bash", "-c", command) == shown
