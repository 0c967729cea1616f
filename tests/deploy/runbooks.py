"""The page for operators: where the alerts and the dashboards link to."""

from tests.docs import pages

RUNBOOKS = pages.DOCS / "operations.md"


def anchors() -> set[str]:
    """Return the anchors of the page's headings."""
    return pages.anchors(RUNBOOKS)
