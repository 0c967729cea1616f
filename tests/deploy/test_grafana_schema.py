"""Grafana's own schema, as TypeScript: it takes the dashboards, and would not take wrong ones."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.deploy.grafana import faults
from tests.deploy.queries import dashboards

Document = dict[str, Any]
# What a hand may well do wrong: each is a change of the whole dashboard, or of one panel.
MISTAKES: dict[str, Callable[[Document, Document], None]] = {
    "text-for-a-number": lambda _, panel: panel["gridPos"].update(w="8"),
    "no-place": lambda _, panel: panel["gridPos"].pop("h"),
    "no-type": lambda _, panel: panel.pop("type"),
    "unknown-key": lambda _, panel: panel.update(titel="Requests"),
    "unknown-mode": lambda _, panel: panel["fieldConfig"]["defaults"]["thresholds"].update(mode="relative"),
    "unknown-setting": lambda _, panel: panel["fieldConfig"]["defaults"]["custom"].update(fillOpaque=5),
    "unknown-style": lambda _, panel: panel["fieldConfig"]["defaults"]["custom"].update(drawStyle="lines"),
    "link-without-title": lambda _, panel: panel["links"][0].pop("title"),
    "half-a-link": lambda whole, _: whole["links"][0].pop("keepTime"),
    "time-as-a-text": lambda whole, _: whole.update(time="now-6h"),
    "tags-as-a-text": lambda whole, _: whole.update(tags="digits"),
}


def test_dashboards_are_of_grafanas_type(tmp_path: Path) -> None:
    """TypeScript has nothing against any dashboard as a value of the schema's type, at its strictest."""
    assert faults(tmp_path, dashboards()) == {name: [] for name in dashboards()}


def test_mistakes_are_found(tmp_path: Path) -> None:
    """A width that is a text fails the same check, and so does each other mistake, by itself."""
    wrong = {name: copy.deepcopy(dashboards()["service"]) for name in MISTAKES}
    for name, document in wrong.items():
        series = next(panel for panel in document["panels"] if panel["type"] == "timeseries")
        MISTAKES[name](document, series)
    found = faults(tmp_path, wrong)
    assert [name for name, texts in found.items() if not texts] == []
    assert "Type 'string' is not assignable to type 'number'" in found["text-for-a-number"][0]
