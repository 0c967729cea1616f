"""Grafana's own schema, as TypeScript types: it accepts the dashboards, and rejects mistakes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.grafana import faults
from tests.deploy.queries import dashboards

Document = dict[str, Any]
# Likely mistakes: each changes the whole dashboard, or one panel.
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


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """TypeScript's errors in each dashboard and in each mistake: one run of the compiler for all of them."""
    wrong = {name: copy.deepcopy(dashboards()["service"]) for name in MISTAKES}
    for name, document in wrong.items():
        series = next(panel for panel in document["panels"] if panel["type"] == "timeseries")
        MISTAKES[name](document, series)
    return faults(tmp_path_factory.mktemp("dashboards"), {**dashboards(), **wrong})


def test_dashboards_have_the_type_of_the_schema(found: dict[str, list[str]]) -> None:
    """Under its strictest options, TypeScript accepts every dashboard as a value of the schema's type."""
    assert {name: found[name] for name in dashboards()} == {name: [] for name in dashboards()}


def test_mistakes_are_found(found: dict[str, list[str]]) -> None:
    """Each mistake is an error; a width that is a text is one of its type."""
    assert [name for name in MISTAKES if not found[name]] == []
    assert "Type 'string' is not assignable to type 'number'" in found["text-for-a-number"][0]
