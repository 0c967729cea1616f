"""Metrics: dead workers' counts are kept once, labels are bounded."""

import json
import multiprocessing
import platform
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from models.preprocessing import preprocess
from models.store import load, save
from service.app import create_app
from service.metrics import STAGE, merge_dead_worker
from service.settings import DEFAULT_MODEL, Settings

COUNTER = mmap_key("hits", "hits_total", ["digit"], ["7"], "Hits.")
BUCKET = mmap_key("seconds", "seconds_bucket", ["le"], ["1.0"], "Seconds.")
SUM = mmap_key("seconds", "seconds_sum", [], [], "Seconds.")


def write_worker(folder: Path, pid: int, hits: float) -> None:
    """Write what a worker that answered so many requests leaves."""
    for kind, values in {
        "counter": {COUNTER: hits},
        "histogram": {BUCKET: hits, SUM: hits / 2},
        "gauge_livesum": {mmap_key("flying", "flying", [], [], "Flying."): 1.0},
    }.items():
        file = MmapedDict(str(folder / f"{kind}_{pid}.db"))
        for key, value in values.items():
            file.write_value(key, value, 0.0)
        file.close()


def samples(folder: Path) -> dict[str, float]:
    """Add up the folder as /metrics does."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return {
        f"{sample.name}{json.dumps(sample.labels)}": sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }


def test_the_dead_are_counted_once(tmp_path: Path) -> None:
    """Merging a dead worker changes no sum, drops its live gauges, and leaves none of its files."""
    for pid, hits in [(11, 5.0), (12, 7.0), (13, 11.0)]:
        write_worker(tmp_path, pid, hits)
    before = samples(tmp_path)
    assert before['hits_total{"digit": "7"}'] == 23
    for pid, flying in [(12, 2), (11, 1)]:
        merge_dead_worker(tmp_path, pid)
        after = samples(tmp_path)
        assert after.pop("flying{}") == flying
        assert after == {key: value for key, value in before.items() if key != "flying{}"}
        assert not list(tmp_path.glob(f"*_{pid}.db"))
    assert sorted(path.name for path in tmp_path.glob("*merged*")) == [
        *("counter_merged.db", "histogram_merged.db")
    ]


def test_files_do_not_pile_up(tmp_path: Path) -> None:
    """After a thousand workers have come and gone there are as many files as after one."""
    for pid in range(1000, 2000):
        write_worker(tmp_path, pid, 1.0)
        merge_dead_worker(tmp_path, pid)
    assert len(list(tmp_path.iterdir())) == 3  # counter, histogram and the lock
    assert samples(tmp_path)['hits_total{"digit": "7"}'] == 1000


def _merge_all(folder: Path) -> None:
    for pid in range(2000, 2100):
        merge_dead_worker(folder, pid)


def test_a_reader_never_sees_half_a_merge(
    tmp_path: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While workers are merged in another process, every scrape shows the full count."""
    for pid in range(2000, 2100):
        write_worker(tmp_path, pid, 1.0)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    merging = multiprocessing.get_context("spawn").Process(target=_merge_all, args=(tmp_path,))
    merging.start()
    scrapes = 0
    while merging.is_alive() or not scrapes:
        assert 'hits_total{digit="7"} 100.0' in client.get("/metrics").text
        scrapes += 1
    merging.join()
    assert merging.exitcode == 0
    assert 'hits_total{digit="7"} 100.0' in client.get("/metrics").text


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
        "digits_in_flight_requests 0.0",
        "digits_workers 0.0",
        "digits_worker_exits_total 0.0",
        "digits_process_cpu_seconds_total",
        "digits_process_resident_memory_bytes",
        f'digits_build_info{{python="{platform.python_version()}",version="',
        "digits_ink_fraction_count",
        'digits_model_info{name="digits",sha256="',
    ]:
        assert f"\n{name}" in answer.text, name


def test_openmetrics_on_request(client: FlaskClient) -> None:
    """A scraper that asks for OpenMetrics gets it."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = client.get("/metrics", headers=accept)
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


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
