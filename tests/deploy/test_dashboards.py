"""Dashboards: each panel explains itself, has a place of its own, and queries existing metrics."""

import itertools
from typing import Any

import pytest

from tests.deploy.queries import (
    DASHBOARDS,
    DEPLOY,
    EXPOSED,
    OWN,
    dashboards,
    names_in,
    panels,
    read_yaml,
    recorded,
    rules,
)
from tests.deploy.runbooks import anchors

# Grafana's built-in panels and units.
TYPES = {"timeseries", "stat", "bargauge", "heatmap"}
UNITS = {"short", "percentunit", "reqps", "s", "bytes"}
PUBLIC = "/public/docs/operations.md"


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Return whether two places on a dashboard overlap."""
    apart = (
        one[start] + one[size] <= other[start] or other[start] + other[size] <= one[start]
        for start, size in (("x", "w"), ("y", "h"))
    )
    return not any(apart)


@pytest.fixture(params=[path.stem for path in DASHBOARDS])
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of the dashboards."""
    return dashboards()[request.param]


def test_three_dashboards() -> None:
    """There are three dashboards with distinct uids and titles."""
    assert set(dashboards()) == {"service", "model", "compare"}
    for key in ("uid", "title"):
        assert len({document[key] for document in dashboards().values()}) == 3


def test_panels_explain_themselves(dashboard: dict[str, Any]) -> None:
    """Each panel has a title, a description, a unit, thresholds, legends and a runbook, and no plug-in."""
    known = {"", *anchors()}
    for panel in panels(dashboard):
        title = panel["title"]
        assert title
        assert panel["type"] in TYPES, title
        assert panel["description"].endswith("."), title
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"] in UNITS, title
        assert defaults["thresholds"]["steps"][0]["value"] is None, title
        assert all(target["legendFormat"] for target in panel["targets"]), title
        address, _, anchor = panel["links"][0]["url"].partition("#")
        assert (address, anchor in known) == (PUBLIC, True), title


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    """Panels are within the 24 columns and do not overlap; ids, titles and query letters are unique."""
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(0 <= place["x"] <= 24 - place["w"] for place in places)
    assert not any(overlap(one, other) for one, other in itertools.combinations(places, 2))
    for key in ("id", "title"):
        assert len({panel[key] for panel in dashboard["panels"]}) == len(places)
    for panel in panels(dashboard):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


def test_queries_name_existing_metrics(dashboard: dict[str, Any]) -> None:
    """Every metric in a query is exposed by the service or recorded by a rule."""
    known = EXPOSED | OWN | recorded()
    for panel in panels(dashboard):
        for target in panel["targets"]:
            assert names_in(target["expr"]), panel["title"]
            assert names_in(target["expr"]) <= known, panel["title"]


def test_every_record_is_used() -> None:
    """Every recorded metric is used by an alert, a panel or another rule."""
    asked = [rule["expr"] for rule in rules()]
    asked += [
        target["expr"]
        for document in dashboards().values()
        for panel in panels(document)
        for target in panel["targets"]
    ]
    assert recorded() <= set().union(*map(names_in, asked))


def test_data_source_is_provisioned(dashboard: dict[str, Any]) -> None:
    """Every panel uses the provisioned data source; dashboards come from the mounted folder."""
    provisioning = DEPLOY / "grafana" / "provisioning"
    source = read_yaml(provisioning / "datasources" / "prometheus.yaml")["datasources"][0]
    asked = {(panel["datasource"]["type"], panel["datasource"]["uid"]) for panel in dashboard["panels"]}
    assert asked == {(source["type"], source["uid"])}
    provider = read_yaml(provisioning / "dashboards" / "digits.yaml")["providers"][0]
    mounts = read_yaml(DEPLOY / "compose.yaml")["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
