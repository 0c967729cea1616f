"""The operators' page, and where one can link to in it."""

import re

from tests.server import ROOT

RUNBOOKS = ROOT / "docs" / "operations.md"


def anchors() -> set[str]:
    """Return the anchors of the page's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ +(.*)", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9-]", "", heading.lower().replace(" ", "-")) for heading in headings}
