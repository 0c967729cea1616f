"""Dashboards: each panel can be read by itself, stands in its own place, and asks for what there is."""

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

# Grafana's own panels, which need no plug-in, and its own units.
TYPES = {"timeseries", "stat", "bargauge", "heatmap"}
UNITS = {"short", "percentunit", "reqps", "s", "bytes"}
PUBLIC = "/public/docs/operations.md"


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Say whether two places on a dashboard have a cell in common."""
    apart = (
        one[start] + one[size] <= other[start] or other[start] + other[size] <= one[start]
        for start, size in (("x", "w"), ("y", "h"))
    )
    return not any(apart)


@pytest.fixture(params=[path.stem for path in DASHBOARDS])
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of the dashboards."""
    return dashboards()[request.param]


def test_there_are_three() -> None:
    """Three dashboards are provisioned, each with a uid and a title of its own."""
    assert set(dashboards()) == {"service", "model", "compare"}
    for key in ("uid", "title"):
        assert len({document[key] for document in dashboards().values()}) == 3


def test_a_panel_explains_itself(dashboard: dict[str, Any]) -> None:
    """Each panel has a title, a sentence, a unit, thresholds, legends and a runbook, and needs no plug-in."""
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


def test_panels_have_their_places(dashboard: dict[str, Any]) -> None:
    """Panels lie within the 24 columns, none over another; ids, titles and queries' letters are unique."""
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(0 <= place["x"] <= 24 - place["w"] for place in places)
    assert not any(overlap(one, other) for one, other in itertools.combinations(places, 2))
    for key in ("id", "title"):
        assert len({panel[key] for panel in dashboard["panels"]}) == len(places)
    for panel in panels(dashboard):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


def test_queries_ask_for_known_names(dashboard: dict[str, Any]) -> None:
    """No query asks for a metric that neither the service exposes nor a rule records."""
    known = EXPOSED | OWN | recorded()
    for panel in panels(dashboard):
        for target in panel["targets"]:
            assert names_in(target["expr"]), panel["title"]
            assert names_in(target["expr"]) <= known, panel["title"]


def test_every_record_is_used() -> None:
    """What a rule records is asked for: by an alert, by a panel, or by another rule."""
    asked = [rule["expr"] for rule in rules()]
    asked += [
        target["expr"]
        for document in dashboards().values()
        for panel in panels(document)
        for target in panel["targets"]
    ]
    assert recorded() <= set().union(*map(names_in, asked))


def test_the_data_source_is_provisioned(dashboard: dict[str, Any]) -> None:
    """Every panel's data source is the provisioned one; dashboards come from the mounted folder."""
    provisioning = DEPLOY / "grafana" / "provisioning"
    source = read_yaml(provisioning / "datasources" / "prometheus.yaml")["datasources"][0]
    asked = {(panel["datasource"]["type"], panel["datasource"]["uid"]) for panel in dashboard["panels"]}
    assert asked == {(source["type"], source["uid"])}
    provider = read_yaml(provisioning / "dashboards" / "digits.yaml")["providers"][0]
    mounts = read_yaml(DEPLOY / "compose.yaml")["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
