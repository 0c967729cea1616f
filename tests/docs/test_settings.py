"""docs/settings.md: its table has every setting of the service, with the default that the code has."""

import re
from dataclasses import fields

from service.settings import DEFAULT_MODEL, PREFIX, Settings
from tests.docs.pages import DOCS
from tests.server import ROOT

ROW = re.compile(r"^\| `(DIGITS_\w+)` \| (.*?) \| .+ \|$", re.MULTILINE)


def shown(default: object) -> str:
    """Return how the table writes a default."""
    if default == DEFAULT_MODEL:
        return str(DEFAULT_MODEL.relative_to(ROOT))
    return "none" if default in (None, "", (), frozenset()) else str(default)


def test_the_table_has_each_setting_and_its_default() -> None:
    """Each field of Settings is one row, and there is no other row."""
    rows = ROW.findall((DOCS / "settings.md").read_text(encoding="utf-8"))
    expected = [(PREFIX + field.name.upper(), shown(field.default)) for field in fields(Settings)]
    assert sorted(rows) == sorted(expected)
