"""The queries of deploy/: the expressions of the rules and dashboards, and the metrics that they name."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.server import ROOT

DEPLOY = ROOT / "deploy"
RULE_FILES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

HISTOGRAMS = {
    *("digits_request_duration_seconds", "digits_stage_duration_seconds"),
    *("digits_confidence", "digits_images_per_request", "digits_ink_fraction"),
}
BASELINE = {
    *("digits_baseline_predictions", "digits_baseline_confidence_bucket"),
    *("digits_baseline_ink_fraction_bucket", "digits_baseline_abstentions"),
}
PROCESSES = {
    *("digits_build_info", "digits_workers", "digits_worker_exits_total", "digits_log_lines_dropped_total"),
    *("digits_uncounted_events_total", "digits_worker_start_failures_total"),
    *("digits_process_cpu_seconds_total", "digits_process_resident_memory_bytes"),
}
# All metrics that the service exposes; test_prometheus.py compares them with the service.
EXPOSED = {
    *("digits_predictions_total", "digits_abstentions_total", "digits_rejected_images_total"),
    *("digits_in_flight_requests", "digits_model_info", "digits_feedback_total"),
    *(name + part for name in HISTOGRAMS for part in ("_bucket", "_sum", "_count")),
    *(BASELINE | PROCESSES),
}
# Prometheus's own metrics: whether a scrape succeeded, and the alerts.
OWN = {"up", "ALERTS"}
KEYWORDS = {
    *("and", "or", "unless", "bool", "offset"),
    *("by", "without", "on", "ignoring", "group_left", "group_right"),
}


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - a document may be anything
    """Read a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def names_in(expression: str) -> set[str]:
    """Return the metric names in an expression: the rest after labels, strings, windows and functions.

    >>> sorted(names_in('sum by (job) (rate(a_total{b="c"}[5m])) / on (job) (job:d:e > 1e-4) or "f"'))
    ['a_total', 'job:d:e']
    """
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", expression)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    return set(re.findall(r"(?<![\w.:$])[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)) - KEYWORDS


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """Return the rules of all files; the result is cached and must not be changed."""
    groups = (group for path in RULE_FILES for group in read_yaml(path)["groups"])
    return tuple(rule for group in groups for rule in group["rules"])


def recorded() -> set[str]:
    """Return the names of the recording rules."""
    return {rule["record"] for rule in rules() if "record" in rule}


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def dashboards() -> dict[str, dict[str, Any]]:
    """Return the dashboards by file name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels of a dashboard that have queries: all except rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled_in(expression: str, interval: str = "5m") -> str:
    """Return a panel's expression as Grafana would send it, with this interval for rates."""
    return expression.replace("$__rate_interval", interval).replace("$version", ".+")
