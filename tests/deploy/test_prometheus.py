"""A real Prometheus scrapes the real service: it counts what was sent, and no query asks in vain.

What needs the baseline asks a model that has one; the weights that ship bring theirs.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.deploy.prometheus import Prometheus, prometheus
from tests.deploy.queries import EXPOSED, dashboards, names_in, panels, rules
from tests.deploy.traffic import Sent, send
from tests.server import running
from training.data import Examples

# Grafana fills these in.
VARIABLES = {"$__rate_interval": "1m", "$version": ".+"}


class Watched(NamedTuple):
    """Prometheus, what the service was sent, and what it exposes itself."""

    prometheus: Prometheus
    sent: Sent
    exposition: str


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, mnist_500: Examples) -> Iterator[Watched]:
    """A service that was sent mixed traffic between two scrapes, and Prometheus, which has judged it since."""
    folder = tmp_path_factory.mktemp("prometheus")
    with running({"DIGITS_LOG_FORMAT": "text"}) as server, prometheus(folder, [server.port]) as watcher:
        watcher.wait_until(lambda: watcher.query("up == 1"))
        # Series that the first request makes must be there before those that are counted by a rate.
        first = send(server, mnist_500.images[:2])
        watcher.wait_for_scrapes(1)
        sent = send(server, mnist_500.images[:60])
        for name in ("statuses", "digits", "reasons"):
            getattr(sent, name).update(getattr(first, name))
        sent.confidences += first.confidences
        sent.abstained += first.abstained
        sent.images += first.images
        # The rules are judged some time after a scrape, and some ask for what others recorded.
        watcher.wait_for_scrapes(3)
        yield Watched(watcher, sent, server.get("/metrics")[1])


def test_it_counts_what_was_sent(watched: Watched) -> None:
    """Prometheus has exactly the requests, images, digits, refusals and abstentions that the answers tell of."""
    ask, sent = watched.prometheus, watched.sent
    requests = 'digits_request_duration_seconds_count{route="/predict",method="POST"}'
    assert ask.values(requests, "status") == sent.statuses
    assert sent.statuses.keys() == {"200", "400", "415", "422"}
    assert {key: n for key, n in ask.values("digits_predictions_total", "digit").items() if n} == sent.digits
    reasons = ask.values("digits_rejected_images_total", "reason")
    assert {key: n for key, n in reasons.items() if n} == sent.reasons
    assert sent.abstained > 0
    for expression, number in {
        "digits_abstentions_total": sent.abstained,
        "digits_confidence_count": sent.read,
        "digits_ink_fraction_count": sent.read,
        "digits_images_per_request_sum": sent.images,
        'digits_stage_duration_seconds_count{stage="encode"}': sent.statuses["200"],
    }.items():
        assert [value for _, value in ask.query(expression)] == [number], expression


def test_histograms_are_exact(watched: Watched) -> None:
    """Each bucket of the confidence holds as many as the answers do up to its bound; so does the sum."""
    confidences = sorted(watched.sent.confidences)
    buckets = watched.prometheus.values("digits_confidence_bucket", "le")
    assert buckets == {bound: bisect_right(confidences, float(bound)) for bound in buckets}
    [(_, total)] = watched.prometheus.query("digits_confidence_sum")
    assert total == pytest.approx(sum(confidences))


@pytest.mark.parametrize("name", sorted(EXPOSED))
def test_every_known_name_is_exposed(watched: Watched, name: str) -> None:
    """Each metric that a rule or a dashboard may ask for has a series, so that a new name breaks a test."""
    assert watched.prometheus.query(name), f"the service does not expose {name}"


def test_no_name_is_forgotten(watched: Watched) -> None:
    """The service exposes nothing of its own that these tests don't know."""
    exposed = {
        line.split("{")[0].split(" ")[0]
        for line in watched.exposition.splitlines()
        if line.startswith("digits_")
    }
    assert exposed <= EXPOSED


def test_rules_are_healthy(watched: Watched) -> None:
    """Prometheus reads the rules that these tests read, and none fails when it is judged; nothing fires falsely."""
    groups = watched.prometheus.get("rules")["groups"]
    found: list[dict[str, Any]] = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in found} == {rule.get("record", rule.get("alert")) for rule in rules()}
    assert len(found) == len(list(rules()))
    assert {(rule["health"], rule.get("lastError")) for rule in found} == {("ok", None)}
    assert not watched.prometheus.query('ALERTS{alertstate="firing"}')


def expressions() -> Iterator[tuple[str, str]]:
    """Yield who asks, and what, of every query that must have an answer: alerts are to have none."""
    for rule in rules():
        if "record" in rule:
            yield f"rule {rule['record']}", rule["record"]
            yield f"rule {rule['record']}", rule["expr"]
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']} {target['refId']}", target["expr"]


def is_about_the_baseline(expression: str) -> bool:
    """Say whether an expression needs what the model brings of its training."""
    return any("baseline" in name or name.endswith(("psi1h", "ks1h")) for name in names_in(expression))


@pytest.mark.parametrize("baseline", [False, True], ids=["traffic", "baseline"])
def test_every_query_has_an_answer(watched: Watched, *, baseline: bool) -> None:
    """Each record, and each query of a panel, gives numbers after some traffic; alerts' queries parse, too."""
    empty = []
    for who, expression in expressions():
        if is_about_the_baseline(expression) == baseline:
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            found = watched.prometheus.query(expression)
            if not found or any(value != value for _, value in found):  # noqa: PLR0124 - not a number
                empty.append(who)
    assert not empty
