"""Links between the pages: each leads to a file or heading that exists, and the contents list every page."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, anchors, links, prose
from tests.server import ROOT

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
NAMED = re.compile(r"`((?:benchmarks|deploy|docs|models|scripts|service|tests|training)/[\w./-]*)`")


@each
def test_links_lead_somewhere(page: Path) -> None:
    """The file of each relative link exists, and so does the heading of each anchor."""
    for file, anchor in links(page):
        target = page.parent / file if file else page
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


@each
def test_named_files_exist(page: Path) -> None:
    """Each path into the project that a page names exists; the changelog may name what has gone."""
    if page.name != "CHANGELOG.md":
        assert [name for name in NAMED.findall(prose(page)) if not (ROOT / name).exists()] == []


def test_contents_list_every_page() -> None:
    """docs/index.md links to each other page in docs/."""
    listed = {file for file, _ in links(DOCS / "index.md")}
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= listed
