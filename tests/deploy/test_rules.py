"""Rules and alerts: Prometheus reads them, each alert fires and keeps silent, and says what to do."""

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


def test_prometheus_takes_its_configuration() -> None:
    """Prometheus's own check finds no fault in the configuration, nor in the rules that it names."""
    check("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    check("promtool", "check", "rules", "--lint-fatal", *RULE_FILES)


def test_alertmanager_takes_its_configuration() -> None:
    """Alertmanager's own check finds no fault in the configuration."""
    check("amtool", "check-config", DEPLOY / "alertmanager" / "alertmanager.yml")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_and_keep_silent(path: Path) -> None:
    """On made-up series, each rule gives the values and alerts, with their texts, that are expected."""
    check("promtool", "test", "rules", path)


def test_every_alert_has_both_cases() -> None:
    """Each alert has a case in which it fires, and one in which it does not; no case is of another."""
    outcomes: dict[str, set[bool]] = defaultdict(set)
    for path in CASES:
        for test in read_yaml(path)["tests"]:
            for case in test.get("alert_rule_test", []):
                outcomes[case["alertname"]].add(bool(case["exp_alerts"]))
    assert outcomes == {name: {True, False} for name in alerts()}


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_what_to_do(name: str) -> None:
    """Each alert has a severity, a summary, a description, and a runbook that is there and names it."""
    alert = alerts()[name]
    assert alert["labels"]["severity"] in {"page", "ticket", "info"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert all(alert["annotations"].values())
    page, anchor = alert["annotations"]["runbook_url"].split("#")
    assert ROOT / page == RUNBOOKS
    assert anchor in anchors()
    assert f"`{name}`" in RUNBOOKS.read_text()


def test_names_are_known() -> None:
    """No rule asks for a metric that neither the service exposes nor another rule records."""
    unknown = {
        name: rule["expr"] for rule in rules() for name in names_in(rule["expr"]) - EXPOSED - OWN - recorded()
    }
    assert not unknown


def test_a_page_outranks_a_ticket() -> None:
    """Alertmanager keeps tickets back while there is a page for the same job, and every receiver exists."""
    settings = read_yaml(DEPLOY / "alertmanager" / "alertmanager.yml")
    rule: dict[str, Any] = settings["inhibit_rules"][0]
    assert rule == {
        "source_matchers": ['severity="page"'],
        "target_matchers": ['severity=~"ticket|info"'],
        "equal": ["job"],
    }
    assert settings["route"]["receiver"] in {receiver["name"] for receiver in settings["receivers"]}
