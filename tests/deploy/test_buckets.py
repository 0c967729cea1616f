"""The buckets of durations fit real traffic: no quantile lies outside their bounds."""

from collections import defaultdict
from math import inf

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.traffic import BOUNDARY, PNG, Sent, form, photo, png
from tests.server import running
from training.data import Examples

QUANTILES = (0.5, 0.9, 0.99, 0.999)
REQUEST, STAGE = "digits_request_duration_seconds", "digits_stage_duration_seconds"
FORMS, FILES = 3, 64
# By request or stage: the number of durations up to each bound.
Buckets = dict[str, dict[float, float]]


@pytest.fixture(scope="module")
def buckets(mnist_500: Examples) -> Buckets:
    """The buckets after single digits, forms of many files, and a large photo."""
    sent, files = Sent(), [png(image) for image in mnist_500.images]
    with running({"DIGITS_WORKERS": "1", "DIGITS_LOG_REQUESTS": "no"}) as server:
        connection = server.connect()
        for file in files:
            sent.post(connection, file, PNG)
        for _ in range(FORMS):
            sent.post(connection, form(files[:FILES]), f"multipart/form-data; boundary={BOUNDARY}", FILES)
        sent.post(connection, photo(mnist_500.images[0]), PNG)
        connection.close()
        text = server.get("/metrics")[1]
    assert sent.statuses == {"200": len(files) + FORMS + 1}
    return read(text)


def read(exposition: str) -> Buckets:
    """Read the buckets of predictions and of each stage."""
    found: Buckets = defaultdict(dict)
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name == f"{REQUEST}_bucket" and sample.labels["route"] == "/predict":
                found["request"][float(sample.labels["le"])] = sample.value
            elif sample.name == f"{STAGE}_bucket":
                found[sample.labels["stage"]][float(sample.labels["le"])] = sample.value
    return found


def bucket(counts: dict[float, float], quantile: float) -> float:
    """Return the upper bound of the bucket that contains a quantile.

    >>> bucket({0.1: 0, 0.2: 5, inf: 10}, 0.5), bucket({0.1: 0, 0.2: 5, inf: 10}, 0.6)
    (0.2, inf)
    """
    return min(bound for bound, count in counts.items() if count >= quantile * counts[inf])


@pytest.mark.parametrize("quantile", QUANTILES)
def test_quantiles_lie_within_the_bounds(buckets: Buckets, quantile: float) -> None:
    """No quantile of predictions or of a stage is below the lowest bound or above the highest."""
    assert buckets.keys() == {"request", "decode", "normalise", "forward", "encode"}
    for name, counts in buckets.items():
        bounds = sorted(counts)
        assert bounds[-1] == inf
        assert bounds[0] < bucket(counts, quantile) < inf, (name, counts)
