"""The Markdown pages, as tests read them: code blocks, links and headings; and how tests run an example."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.server import ROOT, Server

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), ROOT / "models" / "CARD.md"])
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)", re.MULTILINE)


def prose(page: Path) -> str:
    """Return the text of a page without its fenced code blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the file and the anchor of each link into the project; a link within the page has no file."""
    for target in LINK.findall(prose(page)):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            yield file, anchor


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page: a repeated heading gets a number."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in HEADING.findall(prose(page)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def examples(page: str, language: str, words: str) -> list[tuple[str, str]]:
    """Return the page's code blocks in a language that hold these words, each with the block after it."""
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return [
        (block, after)
        for (kind, block), (_, after) in pairwise([*blocks, ("", "")])
        if kind == language and words in block
    ]


def output(server: Server, *command: str, text: str = "") -> str:
    """Run a command with this input against a server, and return everything that it prints."""
    address = f"127.0.0.1:{server.port}"
    ended = subprocess.run(
        [part.replace("localhost:8080", address) for part in command],
        input=text.replace("localhost:8080", address),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.stdout
