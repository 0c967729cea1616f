"""Write docs/licences.md: the packages that the service needs, and the licence that each one declares.

python -m scripts.licences     also `make licences`
"""

import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
HEAD = """# Licences

The service needs these packages, and the container image holds them besides Python. Each licence is the one
that the package declares. `make licences` writes this page from `requirements.txt` and the metadata of the
packages. The wheels of NumPy and Pillow contain further libraries, whose notices are in the wheels. digits
itself has the MIT licence.

| package | licence |
| --- | --- |
"""
CLASSIFIER = "License :: OSI Approved :: "


def pinned() -> Iterator[Requirement]:
    """Yield the requirements that requirements.txt pins for this version of Python."""
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
    """Return the text of docs/licences.md."""
    rows = (f"| {entry.name} | {licence(entry.name)} |\n" for entry in pinned())
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
