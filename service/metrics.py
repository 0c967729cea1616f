"""Metrics for Prometheus: what is counted, and how several workers' counts become one.

Each worker writes its numbers into files of its own in a shared folder (prometheus_client's
multiprocess mode); whoever answers /metrics adds them up. When a worker dies, the master adds its
files to the merged ones and deletes them, so no count is lost and no file piles up. A lock keeps a
reader from seeing both or neither.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from models.store import Model
from service.normalise import Receipt
from service.problems import REASONS, Problem

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Seconds: from the 50 µs that reading one stage takes to the 10 s that nothing should take.
SECONDS = (
    *(50e-6, 100e-6, 200e-6, 500e-6),
    *(1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3),
    *(0.1, 0.2, 0.5, 1, 2, 5, 10),
)
NOT_ABOUT_IMAGES = frozenset({"unauthorized", "not_ready"})
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

REQUESTS = Histogram(
    "digits_request_duration_seconds",
    "Time from a request's dispatch to its answer.",
    ["route", "method", "status"],
    buckets=SECONDS,
)
STAGES = Histogram(
    "digits_stage_duration_seconds",
    "Time in each stage of reading the images of a request.",
    ["stage"],
    buckets=SECONDS,
)
PREDICTIONS = Counter("digits_predictions", "Images read, by the digit they were read as.", ["digit"])
CONFIDENCE = Histogram(
    "digits_confidence",
    "Probability of the digit that an image was read as.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1),
)
ABSTENTIONS = Counter("digits_abstentions", "Images that it would not decide on.")
REJECTED = Counter("digits_rejected_images", "Images and bodies refused, by reason.", ["reason"])
IMAGES = Histogram(
    "digits_images_per_request", "Images in a request.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
INK = Histogram(
    "digits_ink_fraction",
    "Share of the 28 × 28 pixels that bear ink.",
    buckets=(0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 1),
)
IN_FLIGHT = Gauge("digits_in_flight_requests", "Requests being answered now.", multiprocess_mode="livesum")
MODEL_INFO = Gauge(
    "digits_model_info",
    "The model in service; always 1.",
    ["name", "version", "sha256"],
    multiprocess_mode="livemax",
)
# Looked up once: finding a child by its labels costs more than the observation itself.
STAGE = {name: STAGES.labels(name) for name in ("decode", "normalise", "forward", "encode")}
DIGIT = [PREDICTIONS.labels(str(digit)) for digit in range(10)]
REJECTION = {reason: REJECTED.labels(reason) for reason in REASONS if reason not in NOT_ABOUT_IMAGES}


def register(app: Flask, model: Model | None) -> None:
    """Time and count every request of the app, and answer GET /metrics."""
    if model is not None:
        about = model.metadata
        MODEL_INFO.labels(about["name"], about["version"], about["sha256"]).set(1)
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_leave)
    app.add_url_rule("/metrics", view_func=exposition)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage of reading images."""
    with STAGE[name].time():
        yield


@contextmanager
def counted_refusal() -> Iterator[None]:
    """Count a Problem that passes through as a refusal, by its reason."""
    try:
        yield
    except Problem as problem:
        REJECTION[problem.reason].inc()
        raise


def count_answer(answer: Mapping[str, Any], receipt: Receipt) -> None:
    """Count one image that was read."""
    DIGIT[answer["digit"]].inc()
    CONFIDENCE.observe(answer["confidence"])
    INK.observe(receipt.ink_fraction)
    ABSTENTIONS.inc(answer["abstained"])


def _begin() -> None:
    IN_FLIGHT.inc()
    g.began = perf_counter()


def _end(response: Response) -> Response:
    # Counted before it is sent: a worker killed in between has then counted an answer that did
    # not arrive, but no answer that arrives goes uncounted.
    route = request.url_rule.rule if request.url_rule else "unmatched"
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(route, method, response.status_code).observe(perf_counter() - g.began)
    return response


def _leave(_: BaseException | None) -> None:
    IN_FLIGHT.dec()


def exposition() -> Response:
    """Answer with every metric, summed over the workers, in the format that was asked for."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder is None:
        return Response(encode(REGISTRY), content_type=content_type)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)
    with _lock(Path(folder), fcntl.LOCK_SH):
        return Response(encode(registry), content_type=content_type)


def merge_dead_worker(folder: Path, pid: int) -> None:
    """Add the files of a worker that is gone to the merged ones, and delete them."""
    with _lock(folder, fcntl.LOCK_EX):
        for path in folder.glob(f"*_{pid}.db"):
            kind = path.name.removesuffix(f"_{pid}.db")
            # Gauges of a live kind speak of processes that are there.
            if not kind.startswith("gauge_live"):
                _add(path, folder / f"{kind}_merged.db")
            path.unlink()


def _add(source: Path, target: Path) -> None:
    merged = MmapedDict(str(target))
    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(source)):
        merged.write_value(key, merged.read_value(key)[0] + value, timestamp)
    merged.close()


@contextmanager
def _lock(folder: Path, kind: int) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, kind)
        yield
