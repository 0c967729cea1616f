"""Metrics for Prometheus: what is counted.

Workers count in memory that they share (counts.py); whoever answers /metrics adds it up, in the formats of
prometheus_client.
"""

import os
from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import Any

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from models.baseline import CONFIDENCES, INK_FRACTIONS
from models.store import Model
from service.images.normalise import Receipt
from service.observability.collectors import About, Processes, Workers
from service.problems import REASONS, Problem
from service.shared_memory.counters import COUNTS, Counter, Histogram

# Seconds: from the 10 µs that the quickest stage takes to the 10 s that nothing should take.
SECONDS = (
    *(10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6),
    *(1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3),
    *(0.1, 0.2, 0.5, 1, 2, 5, 10),
)
NOT_ABOUT_IMAGES = frozenset(
    {"unauthorized", "too_many_requests", "not_ready", "bad_feedback", "unknown_request"}
)
UNMATCHED = "unmatched"
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

REQUESTS = Histogram(
    "digits_request_duration_seconds",
    "Time from a request's dispatch to its answer.",
    ["route", "method", "status"],
    buckets=SECONDS,
)
STAGES = Histogram(
    "digits_stage_duration_seconds",
    "Time in each stage of reading images: of a request's, and forward of all that waited together.",
    ["stage"],
    buckets=SECONDS,
)
PREDICTIONS = Counter("digits_predictions", "Images read, by the digit they were read as.", ["digit"])
CONFIDENCE = Histogram(
    "digits_confidence",
    "Probability of the digit that an image was read as.",
    buckets=CONFIDENCES,
).labels()
ABSTENTIONS = Counter("digits_abstentions", "Images that it would not decide on.").labels()
REJECTED = Counter("digits_rejected_images", "Images and bodies refused, by reason.", ["reason"])
IMAGES = Histogram(
    "digits_images_per_request", "Images in a request.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
).labels()
INK = Histogram(
    "digits_ink_fraction",
    "Share of the 28 × 28 pixels that bear ink.",
    buckets=INK_FRACTIONS,
).labels()
FEEDBACK = Counter(
    "digits_feedback",
    "What clients said that it was, by digit and by whether it was read so.",
    ["digit", "right"],
)
# Looked up once; exposed from the start.
STAGE = {name: STAGES.labels(name) for name in ("decode", "normalise", "forward", "encode")}
DIGIT = [PREDICTIONS.labels(str(digit)) for digit in range(10)]
REJECTION = {reason: REJECTED.labels(reason) for reason in REASONS if reason not in NOT_ABOUT_IMAGES}


def register(app: Flask, model: Model | None) -> None:
    """Answer GET /metrics, with what is known of the model; the process is the master of those to come."""
    registry = CollectorRegistry()
    for collector in (COUNTS, Workers(), Processes(os.getpid()), About(model)):
        registry.register(collector)
    app.add_url_rule("/metrics", "exposition", partial(exposition, registry))


class Stages:
    """A clock for the stages of reading images, one after the other; ms has what each took."""

    def __init__(self, ms: dict[str, float]) -> None:
        """Let the first stage begin."""
        self.ms = ms
        self.began = perf_counter()

    def end(self, name: str) -> None:
        """Observe how long the stage took; the next one begins."""
        now = perf_counter()
        seconds, self.began = now - self.began, now
        STAGE[name].observe(seconds)
        self.ms[name] = round(1000 * seconds, 3)


def count_request(seconds: float, route: str, method: str, status: int) -> None:
    """Count an answer; the route is one of the app's rules, or UNMATCHED, the method of METHODS or other."""
    REQUESTS.labels(route, method, status).observe(seconds)


def count_turned_away(problem: Problem) -> None:
    """Count a request that was answered before the app saw it: which route it was for is not known yet."""
    REJECTION[problem.reason].inc()
    count_request(0.0, UNMATCHED, "POST", problem.status)


def count_answer(answer: Mapping[str, Any], receipt: Receipt) -> None:
    """Count one image that was read."""
    DIGIT[answer["digit"]].inc()
    CONFIDENCE.observe(answer["confidence"])
    INK.observe(receipt.ink_fraction)
    if answer["abstained"]:
        ABSTENTIONS.inc()


def exposition(registry: CollectorRegistry) -> Response:
    """Answer with every metric in the format that was asked for."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)
