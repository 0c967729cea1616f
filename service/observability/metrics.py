"""Metrics for Prometheus: what is counted.

Workers count in shared memory (shared_memory/counters.py); the worker that answers /metrics sums it up and
writes it in the formats of prometheus_client.
"""

from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import Any

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from models.baseline import CONFIDENCES, INK_FRACTIONS
from models.store import Model
from service.observability.collectors import Processes, Workers, register_constants
from service.problems import REASONS, Problem
from service.shared_memory.counters import COLLECTOR, Counter, Histogram

# Upper bounds in seconds: from 10 µs, which the quickest stage takes, to 10 s, which nothing should take.
SECONDS = (
    *(10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6),
    *(1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3),
    *(0.1, 0.2, 0.5, 1, 2, 5, 10),
)
REASONS_WITHOUT_IMAGE = ["unauthorized", "too_many_requests", "not_ready", "bad_feedback", "unknown_request"]
UNMATCHED = "unmatched"
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

REQUESTS = Histogram(
    "digits_request_duration_seconds",
    "Time from a request's dispatch to its complete response.",
    ["route", "method", "status"],
    buckets=SECONDS,
)
STAGES = Histogram(
    "digits_stage_duration_seconds",
    "Time in each stage of a request; the forward pass counts once for a whole micro-batch.",
    ["stage"],
    buckets=SECONDS,
)
PREDICTIONS = Counter("digits_predictions", "Images by predicted digit.", ["digit"])
CONFIDENCE = Histogram("digits_confidence", "Probability of the prediction.", buckets=CONFIDENCES).labels()
ABSTENTIONS = Counter("digits_abstentions", "Images on which the model abstained.").labels()
REJECTED = Counter("digits_rejected_images", "Refused images and bodies, by reason.", ["reason"])
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
IMAGES = Histogram("digits_images_per_request", "Images in a request.", buckets=COUNTS).labels()
INK = Histogram("digits_ink_fraction", "Share of the pixels with ink.", buckets=INK_FRACTIONS).labels()
FEEDBACK = Counter("digits_feedback", "Feedback, by true digit and correctness.", ["digit", "right"])
# Looked up once, here, and therefore exposed from the start.
STAGE = {name: STAGES.labels(name) for name in ("decode", "normalise", "forward", "encode")}
DIGIT = [PREDICTIONS.labels(str(digit)) for digit in range(10)]
REJECTION = {reason: REJECTED.labels(reason) for reason in REASONS if reason not in REASONS_WITHOUT_IMAGE}


def register(app: Flask, model: Model | None) -> None:
    """Answer GET /metrics; called in the process whose children are the workers."""
    registry = CollectorRegistry()
    for collector in (COLLECTOR, Workers(), Processes()):
        registry.register(collector)
    register_constants(registry, model)
    app.add_url_rule("/metrics", "exposition", partial(exposition, registry))


class Stages:
    """A stopwatch for the stages of a request, one after the other; `ms` gets each stage's duration."""

    def __init__(self, ms: dict[str, float]) -> None:
        """Begin the first stage."""
        self.ms = ms
        self.began = perf_counter()

    def end(self, name: str) -> None:
        """Observe the duration of the stage that ends here; the next one begins."""
        now = perf_counter()
        seconds, self.began = now - self.began, now
        STAGE[name].observe(seconds)
        self.ms[name] = round(1000 * seconds, 3)


def count_request(seconds: float, route: str, method: str, status: int) -> None:
    """Count a response; the route is a rule of the app or UNMATCHED, the method one of METHODS or `other`."""
    REQUESTS.labels(route, method, status).observe(seconds)


def count_shed(problem: Problem) -> None:
    """Count a request that the server shed: it was answered before its route was known."""
    REJECTION[problem.reason].inc()
    count_request(0.0, UNMATCHED, "POST", problem.status)


def count_prediction(answer: Mapping[str, Any], ink_fraction: float) -> None:
    """Count one prediction; ink_fraction is the share of the 28 × 28 pixels with ink."""
    DIGIT[answer["digit"]].inc()
    CONFIDENCE.observe(answer["confidence"])
    INK.observe(ink_fraction)
    if answer["abstained"]:
        ABSTENTIONS.inc()


def exposition(registry: CollectorRegistry) -> Response:
    """Answer with every metric, in the format that the client accepts."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)
