"""Rules and alerts: Prometheus accepts them, and each alert fires when it should and says what to do."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.queries import (
    DEPLOY,
    EXPOSED,
    OWN,
    RULE_FILES,
    alerts,
    names_in,
    read_yaml,
    recorded,
    rules,
)
from tests.deploy.runbooks import RUNBOOKS, anchors
from tests.deploy.tools import check
from tests.server import ROOT

CASES = sorted((Path(__file__).parent / "rules").glob("*.yml"))


def test_prometheus_configuration_is_valid() -> None:
    """Promtool accepts the configuration and its rules."""
    check("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    check("promtool", "check", "rules", "--lint-fatal", *RULE_FILES)


def test_alertmanager_configuration_is_valid() -> None:
    """Amtool accepts the configuration."""
    check("amtool", "check-config", DEPLOY / "alertmanager" / "alertmanager.yml")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_on_synthetic_series(path: Path) -> None:
    """On synthetic series, each rule has the expected values and alerts, texts included."""
    check("promtool", "test", "rules", path)


def test_every_alert_has_both_cases() -> None:
    """Each alert has a case in which it fires and one in which it does not; no case has another name."""
    outcomes: dict[str, set[bool]] = defaultdict(set)
    for path in CASES:
        for test in read_yaml(path)["tests"]:
            for case in test.get("alert_rule_test", []):
                outcomes[case["alertname"]].add(bool(case["exp_alerts"]))
    assert outcomes == {name: {True, False} for name in alerts()}


@pytest.mark.parametrize("name", alerts())
def test_alert_has_a_runbook(name: str) -> None:
    """Each alert has a severity, a summary, a description, and an existing runbook that names it."""
    alert = alerts()[name]
    assert alert["labels"]["severity"] in {"page", "ticket", "info"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert all(alert["annotations"].values())
    page, anchor = alert["annotations"]["runbook_url"].split("#")
    assert ROOT / page == RUNBOOKS
    assert anchor in anchors()
    assert f"`{name}`" in RUNBOOKS.read_text()


def test_rules_name_existing_metrics() -> None:
    """Every metric in a rule is exposed by the service or recorded by another rule."""
    unknown = {
        name: rule["expr"] for rule in rules() for name in names_in(rule["expr"]) - EXPOSED - OWN - recorded()
    }
    assert not unknown


def test_pages_inhibit_tickets() -> None:
    """Alertmanager inhibits tickets while there is a page for the same job, and every receiver exists."""
    settings = read_yaml(DEPLOY / "alertmanager" / "alertmanager.yml")
    rule: dict[str, Any] = settings["inhibit_rules"][0]
    assert rule == {
        "source_matchers": ['severity="page"'],
        "target_matchers": ['severity=~"ticket|info"'],
        "equal": ["job"],
    }
    assert settings["route"]["receiver"] in {receiver["name"] for receiver in settings["receivers"]}
