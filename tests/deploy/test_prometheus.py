"""A real Prometheus scrapes the real service: its counts are exact, and every query has a result."""

import subprocess
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from math import isnan, log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pytest

from models.baseline import baseline
from models.decision import decide
from models.network import forward, from_parameters, parameters
from models.preprocessing import preprocess
from models.store import load, save
from service.settings import DEFAULT_MODEL
from tests.deploy.prometheus import Prometheus, prometheus
from tests.deploy.queries import BASELINE, EXPOSED, dashboards, filled_in, panels, rules
from tests.deploy.traffic import Pixels, Sent, send, tell
from tests.needs import need
from tests.server import running
from training.data import Examples

REQUESTS = "digits_request_duration_seconds"
NEXT = "next"


class Watched(NamedTuple):
    """Prometheus, the traffic that the services got, and the metrics that one of them exposes."""

    prometheus: Prometheus
    sent: Sent
    exposition: str


def next_weights(folder: str, images: Pixels) -> str:
    """Write weights of the next version, with the same predictions, and a baseline on these images."""
    path = Path(folder) / "next.npz"
    model = load(DEFAULT_MODEL)
    named = parameters(model.network)
    last = f"b{len(model.network) - 1}"
    # A constant added to all logits changes no probability.
    named = {**named, last: named[last] + np.float32(0.125)}
    network = from_parameters(named, [layer.activation for layer in model.network])
    x = preprocess(images)
    found = baseline(images, decide(forward(network, x).z[-1], model.metadata))
    save(path, network, {**model.metadata, "version": NEXT, "baseline": found}, x[:4])
    return str(path)


@pytest.fixture(scope="module")
def watched(mnist_500: Examples) -> Iterator[Watched]:
    """Prometheus after mixed traffic to two replicas, one of them with other weights."""
    need("prometheus")
    images, sent = mnist_500.images, Sent()
    with (
        TemporaryDirectory(prefix="digits-prometheus-") as name,
        running({"DIGITS_FEEDBACK": "yes"}) as server,
        running(
            {
                "DIGITS_WORKERS": "1",
                "DIGITS_FEEDBACK": "yes",
                "DIGITS_MODEL": next_weights(name, images[:200]),
            }
        ) as other,
        prometheus(Path(name), [server.port, other.port]) as watcher,
    ):
        watcher.wait_for_targets(2)
        # A series has no rate before its second request.
        for part in (images[:2], images[2:60]):
            for replica in (server, other):
                send(replica, part, sent)
                tell(replica, part[0], sent)
            watcher.wait_for_scrapes(1)
        # Some rules use the records of another file.
        for _ in range(2):
            watcher.wait_for_rules()
        yield Watched(watcher, sent, server.get("/metrics")[1])


def test_counts_are_exact(watched: Watched) -> None:
    """Prometheus has exactly the requests, images, digits, refusals and abstentions of the responses."""
    ask, sent = watched.prometheus, watched.sent
    for metric, label, expected in [
        (f'{REQUESTS}_count{{route="/predict",method="POST"}}', "status", sent.statuses),
        ("digits_predictions_total", "digit", sent.digits),
        ("digits_rejected_images_total", "reason", sent.reasons),
    ]:
        found = ask.values(f"sum by ({label}) ({metric})", label)
        assert {key: number for key, number in found.items() if number} == expected, metric
    assert sent.statuses.keys() == {"200", "400", "415", "422"}
    assert sent.abstained > 0
    for metric, number in {
        "digits_abstentions_total": sent.abstained,
        "digits_confidence_count": sent.read,
        "digits_ink_fraction_count": sent.read,
        "digits_images_per_request_sum": sent.images,
        'digits_stage_duration_seconds_count{stage="encode"}': sent.statuses["200"],
    }.items():
        assert ask.query(f"sum({metric})") == [({}, number)], metric


def test_histograms_are_exact(watched: Watched) -> None:
    """The buckets and the sum of the confidence agree with the responses."""
    confidences = sorted(watched.sent.confidences)
    buckets = watched.prometheus.values("sum by (le) (digits_confidence_bucket)", "le")
    assert buckets == {bound: bisect_right(confidences, float(bound)) for bound in buckets}
    [(_, total)] = watched.prometheus.query("sum(digits_confidence_sum)")
    assert total == pytest.approx(sum(confidences))


def test_drift_is_exact(watched: Watched) -> None:
    """The rules record the stability index and the largest distance, as computed here from the responses."""
    ask, sent = watched.prometheus, watched.sent
    base = ask.values("avg by (digit) (digits_baseline_predictions)", "digit")
    pairs = [(max(sent.digits[digit] / sent.read, 1e-4), max(b, 1e-4)) for digit, b in base.items()]
    [(_, psi)] = ask.query("job:digits_predictions:psi1h")
    assert psi == pytest.approx(sum((p - b) * log(p / b) for p, b in pairs), rel=1e-3)
    confidences = sorted(sent.confidences)
    bounds = ask.values("avg by (le) (digits_baseline_confidence_bucket)", "le")
    distances = [
        abs(bisect_right(confidences, float(bound)) / sent.read - share) for bound, share in bounds.items()
    ]
    [(_, distance)] = ask.query("job:digits_confidence:ks1h")
    assert distance == pytest.approx(max(distances), rel=1e-3)


def test_promtool_accepts_metrics(watched: Watched) -> None:
    """Promtool accepts the names, types and help texts of all metrics."""
    command = [need("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=watched.exposition, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_known_metrics_are_exposed(watched: Watched) -> None:
    """Every metric that rules and dashboards may use has a series."""
    assert not {name for name in EXPOSED if not watched.prometheus.query(name)}


def test_shipped_weights_have_a_baseline(watched: Watched) -> None:
    """With the shipped weights, the service exposes the whole baseline."""
    assert not {name for name in BASELINE if f"\n{name}" not in watched.exposition}


def test_exposed_metrics_are_known(watched: Watched) -> None:
    """Every metric that the service exposes is in EXPOSED."""
    exposed = {
        line.split("{")[0].split(" ")[0]
        for line in watched.exposition.splitlines()
        if line.startswith("digits_")
    }
    assert exposed <= EXPOSED


def test_rules_are_healthy(watched: Watched) -> None:
    """Prometheus evaluates the rules that these tests read; none fails, and no alert fires."""
    groups = watched.prometheus.get("rules")["groups"]
    found: list[dict[str, Any]] = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in found} == {rule.get("record", rule.get("alert")) for rule in rules()}
    assert len(found) == len(rules())
    assert {(rule["health"], rule.get("lastError")) for rule in found} == {("ok", None)}
    assert not watched.prometheus.query('ALERTS{alertstate="firing"}')


def expressions() -> Iterator[tuple[str, str]]:
    """Yield name and expression of every query that must have a result: all except alerts."""
    for rule in rules():
        if "record" in rule:
            yield f"rule {rule['record']}", rule["record"]
            yield f"rule {rule['record']}", rule["expr"]
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']} {target['refId']}", target["expr"]


def test_every_query_has_a_result(watched: Watched) -> None:
    """After traffic, each recording rule and each query of a panel has numbers."""
    empty = []
    for who, expression in expressions():
        found = watched.prometheus.query(filled_in(expression))
        if not found or any(isnan(value) for _, value in found):
            empty.append(who)
    assert not empty


def test_versions_are_told_apart(watched: Watched) -> None:
    """Each query of the comparison dashboard has both versions, with equally many series."""
    for panel in panels(dashboards()["compare"]):
        for target in panel["targets"]:
            found = Counter(
                labels["version"] for labels, _ in watched.prometheus.query(filled_in(target["expr"]))
            )
            assert len(found) == 2, panel["title"]
            assert NEXT in found, panel["title"]
            assert len(set(found.values())) == 1, panel["title"]
