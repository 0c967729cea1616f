"""Feedback: what it really was is counted once, by whichever worker hears it."""

import json

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from service.app import create_app
from service.settings import Settings
from service.shared_memory.recent_predictions import SLOTS, RecentPredictions
from tests.server import running


@pytest.fixture
def told() -> FlaskClient:
    """A client of an app that takes feedback."""
    return create_app(Settings(feedback="yes", log_requests="no")).test_client()


def tell(client: FlaskClient, name: str, digit: object) -> int:
    """Say what it was; the status."""
    return client.post("/feedback", json={"request": name, "digit": digit}).status_code


def counted(digit: int, right: str) -> float:
    """How often it was that digit, and was read so."""
    labels = {"digit": str(digit), "right": right}
    return REGISTRY.get_sample_value("digits_feedback_total", labels) or 0.0


def test_the_truth_is_counted_once(told: FlaskClient, seven: bytes) -> None:
    """A 7 that was one, and one that was a 1, are each counted; what is told twice, or of nobody, is 404."""
    before = counted(7, "yes"), counted(1, "no")
    names = [
        told.post("/predict", data=seven, content_type="image/png").headers["X-Request-Id"] for _ in range(2)
    ]
    assert tell(told, names[0], 7) == 204
    assert tell(told, names[1], 1) == 204
    assert (counted(7, "yes"), counted(1, "no")) == (before[0] + 1, before[1] + 1)
    assert tell(told, names[0], 7) == 404
    assert tell(told, "nobody", 7) == 404


def test_a_number_is_one_however_it_is_written(told: FlaskClient, seven: bytes) -> None:
    """JSON's 7.0 is 7 (RFC 8259, 6; JSON Schema's integer), and is counted so."""
    before = counted(7, "yes")
    name = told.post("/predict", data=seven, content_type="image/png").headers["X-Request-Id"]
    assert tell(told, name, 7.0) == 204
    assert counted(7, "yes") == before + 1


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"7", b"[]", b"{}", b"[" * 900, b"\xff"),
        b'{"request": "a", "digit": "7"}',
        b'{"request": "a", "digit": 10}',
        b'{"request": "a", "digit": true}',
        b'{"request": "a", "digit": 6.5}',
        b'{"request": "a", "digit": NaN}',
        b'{"request": 7, "digit": 7}',
        b'{"request": "a", "digit": 7, "because": "I know"}',
        b'{"request": "no name of ours", "digit": 7}',
        b'{"request": "\\ud800", "digit": 7}',
    ],
)
def test_what_is_no_feedback_is_told_so(told: FlaskClient, body: bytes) -> None:
    """Each bad body is 400, with what would be right."""
    answer = told.post("/feedback", data=body)
    assert answer.status_code == 400
    assert "Send {" in answer.get_json()["detail"]


def test_it_is_off_by_default(client: FlaskClient) -> None:
    """Without the setting there is no such route."""
    assert tell(client, "a", 7) == 404


def test_memory_is_bounded() -> None:
    """However many are remembered, the table stays as it is; nearly all of the latest are found."""
    readings = RecentPredictions()
    for number in range(3 * SLOTS):
        readings.remember(str(number), number % 10)
    latest = range(3 * SLOTS - 1000, 3 * SLOTS)
    found = [readings.recall(str(number)) for number in latest]
    assert sum(found[i] == number % 10 for i, number in enumerate(latest)) > 980
    assert not [digit for i, digit in enumerate(found) if digit not in {None, latest[i] % 10}]


def test_workers_share_what_was_read(seven: bytes) -> None:
    """With two workers, feedback on other connections finds every answer; /metrics has the sum."""
    with running({"DIGITS_FEEDBACK": "yes"}) as server:
        for index in range(12):
            asking, telling = server.connect(), server.connect()
            headers = {"Content-Type": "image/png", "X-Request-Id": f"n{index}"}
            asking.request("POST", "/predict", seven, headers)
            asking.getresponse().read()
            telling.request("POST", "/feedback", json.dumps({"request": f"n{index}", "digit": 7}))
            assert telling.getresponse().status == 204
            asking.close()
            telling.close()
        assert 'digits_feedback_total{digit="7",right="yes"} 12.0' in server.get("/metrics")[1]
