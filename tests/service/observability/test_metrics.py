"""Metrics: what is exposed, by which labels."""

import platform
from pathlib import Path

import numpy as np
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from models.preprocessing import preprocess
from models.store import load, save
from service.app import create_app
from service.observability.metrics import STAGE, count_request
from service.settings import DEFAULT_MODEL, Settings


def test_labels_are_bounded(client: FlaskClient) -> None:
    """Whatever paths and methods clients send, they share one label."""
    for index in range(50):
        client.get(f"/nothing/{index}")
        client.open("/healthz", method=f"BREW{index}")
    text = client.get("/metrics").text
    assert "nothing/" not in text
    assert "BREW" not in text
    assert 'route="unmatched",status="404"' in text
    assert 'method="other"' in text


def test_what_is_new_is_counted(client: FlaskClient) -> None:
    """A route and a status that nobody told the metrics of are labels from when they are first counted."""
    labels = 'method="GET",route="/brew",status="418"'
    assert labels not in client.get("/metrics").text
    count_request(0.25, "/brew", "GET", 418)
    text = client.get("/metrics").text
    assert f"digits_request_duration_seconds_sum{{{labels}}} 0.25\n" in text
    for bound, count in (("0.2", 0), ("0.5", 1), ("+Inf", 1)):
        assert f'digits_request_duration_seconds_bucket{{le="{bound}",{labels}}} {count}.0\n' in text


def test_every_name_of_the_contract_is_there(client: FlaskClient, seven: bytes) -> None:
    """The exposition has each metric of the contract, with its labels, and is Prometheus's format."""
    client.post("/predict", data=seven, content_type="image/png")
    answer = client.get("/metrics")
    assert answer.content_type.startswith("text/plain; version=")
    for name in [
        'digits_request_duration_seconds_bucket{le="1e-05",method="POST",route="/predict",status="200"}',
        *(f'digits_stage_duration_seconds_count{{stage="{stage}"}}' for stage in STAGE),
        'digits_predictions_total{digit="7"}',
        "digits_confidence_count",
        "digits_abstentions_total",
        'digits_rejected_images_total{reason="blank_image"}',
        "digits_images_per_request_count",
        "digits_in_flight_requests 1.0",
        "digits_workers 1.0",
        "digits_worker_exits_total 0.0",
        "digits_process_cpu_seconds_total",
        "digits_process_resident_memory_bytes",
        f'digits_build_info{{python="{platform.python_version()}",version="',
        "digits_ink_fraction_count",
        'digits_model_info{name="digits",sha256="',
    ]:
        assert f"\n{name}" in answer.text, name


def test_openmetrics_on_request(client: FlaskClient, seven: bytes) -> None:
    """A scraper that asks for OpenMetrics gets it; no exemplar, as the operators' page says."""
    trace = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    client.post("/predict", data=seven, content_type="image/png", headers=trace)
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = client.get("/metrics", headers=accept)
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert " # {" not in answer.text


def test_the_baseline_is_by_the_live_bounds(seven: bytes, tmp_path: Path) -> None:
    """What the weights file says of its validation images has the labels of what is counted."""
    model = load(DEFAULT_MODEL)
    x = preprocess(np.zeros((1, 28, 28), np.uint8))
    shares = {"predictions": [0.1] * 10, "confidence": [0.5] * 13, "ink_fraction": [0.25] * 10}
    path = tmp_path / "with-baseline.npz"
    save(path, model.network, model.metadata | {"baseline": shares | {"abstentions": 0.01}}, x)
    client = create_app(Settings(model=path)).test_client()
    client.post("/predict", data=seven, content_type="image/png")
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            label = sample.labels.get("le", sample.labels.get("digit", ""))
            found.setdefault(sample.name, {})[label] = sample.value
    assert found["digits_baseline_predictions"].keys() == found["digits_predictions_total"].keys()
    for name, share in (("confidence", 0.5), ("ink_fraction", 0.25)):
        assert found[f"digits_baseline_{name}_bucket"].keys() == found[f"digits_{name}_bucket"].keys()
        assert set(found[f"digits_baseline_{name}_bucket"].values()) == {share, 1.0}
    assert found["digits_baseline_abstentions"] == {"": 0.01}
