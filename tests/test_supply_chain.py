"""What the project is made of: every package pinned by its hashes, each licence known, nothing unpinned."""

import re
from importlib.metadata import version

import pytest

from scripts.licences import PAGE, licence, page, pinned
from tests.server import ROOT

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
# What its owner may ask of whoever passes the image on: to keep the notice. None asks for the source.
PERMISSIVE = re.compile(
    r"(?:MIT|MIT-CMU|BSD|BSD-[23]-Clause|0BSD|Apache-2\.0|Zlib|CC0-1\.0|MIT License|BSD License)"
)


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_has_a_version_and_hashes(file: str) -> None:
    """No package is taken by its name alone: an index that serves another file of that name is refused."""
    entries = re.split(r"\n(?=\w)", (ROOT / file).read_text())
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[\w.\[\]-]+==[\w.]+", entry), entry[:60]
        assert HASH.search(entry), entry[:60]
        assert "://" not in entry


def test_whoever_installs_asks_for_the_hashes() -> None:
    """Make and the image refuse a package without a hash, and what would have to be compiled."""
    for file in ("Makefile", "Dockerfile"):
        text = (ROOT / file).read_text()
        assert "--require-hashes" in text
        assert "--only-binary :all:" in text


def test_the_licences_are_those_of_the_packages() -> None:
    """`make licences` would change nothing; what is installed here is what is pinned."""
    assert {entry.name: f"=={version(entry.name)}" for entry in pinned()} == {
        entry.name: str(entry.specifier) for entry in pinned()
    }
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_licence_is_permissive() -> None:
    """Nothing that the image holds asks more than that its notice is kept."""
    for entry in pinned():
        for part in licence(entry.name).split(" AND "):
            assert PERMISSIVE.fullmatch(part), f"{entry.name}: {part}"
