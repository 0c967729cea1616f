"""What the service runs on, and under which licences: docs/licences.md, from the packages' own metadata."""

import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
HEAD = """# Licences

What the service runs on, and the container image holds beside Python, with the licence that each package
declares. `make licences` writes this page from `requirements.txt` and the packages' own metadata. NumPy's and
Pillow's wheels bring libraries along, whose notices are in the wheels. digits itself: MIT.

| package | licence |
| --- | --- |
"""
CLASSIFIER = "License :: OSI Approved :: "


def pinned() -> Iterator[Requirement]:
    """Yield what requirements.txt pins, for this Python."""
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if re.match(r"\w", line):
            entry = Requirement(line.removesuffix(" \\"))
            if entry.marker is None or entry.marker.evaluate():
                yield entry


def licence(name: str) -> str:
    """Return the licence that an installed package declares.

    >>> licence("flask")
    'BSD-3-Clause'
    """
    about = distribution(name).metadata
    if expressions := about.get_all("License-Expression"):
        return str(expressions[0])
    declared = [entry for entry in about.get_all("Classifier", []) if entry.startswith(CLASSIFIER)]
    return ", ".join(entry.removeprefix(CLASSIFIER) for entry in declared) or str(about["License"])


def page() -> str:
    """Return the page."""
    rows = (f"| {entry.name} | {licence(entry.name)} |\n" for entry in pinned())
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
