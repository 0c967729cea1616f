"""Feedback: the true digit of a prediction is counted once, by any worker."""

import json

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from service.app import create_app
from service.settings import Settings
from service.shared_memory.recent_predictions import SLOTS, RecentPredictions
from tests.server import running


@pytest.fixture
def with_feedback() -> FlaskClient:
    """A client of an app that accepts feedback."""
    return create_app(Settings(feedback="yes", log_requests="no")).test_client()


def send(client: FlaskClient, name: str, digit: object) -> int:
    """Post feedback, and return the status."""
    return client.post("/feedback", json={"request": name, "digit": digit}).status_code


def counted(digit: int, right: str) -> float:
    """Return how often the true digit was this one, and was predicted or not."""
    labels = {"digit": str(digit), "right": right}
    return REGISTRY.get_sample_value("digits_feedback_total", labels) or 0.0


def test_the_truth_is_counted_once(with_feedback: FlaskClient, seven: bytes) -> None:
    """Right and wrong predictions are counted; feedback sent twice, or for an unknown request, is 404."""
    before = counted(7, "yes"), counted(1, "no")
    names = [
        with_feedback.post("/predict", data=seven, content_type="image/png").headers["X-Request-Id"]
        for _ in range(2)
    ]
    assert send(with_feedback, names[0], 7) == 204
    assert send(with_feedback, names[1], 1) == 204
    assert (counted(7, "yes"), counted(1, "no")) == (before[0] + 1, before[1] + 1)
    assert send(with_feedback, names[0], 7) == 404
    assert send(with_feedback, "nobody", 7) == 404


def test_a_number_is_one_however_it_is_written(with_feedback: FlaskClient, seven: bytes) -> None:
    """7.0 is the integer 7 in JSON (RFC 8259, section 6; JSON Schema's integer)."""
    before = counted(7, "yes")
    name = with_feedback.post("/predict", data=seven, content_type="image/png").headers["X-Request-Id"]
    assert send(with_feedback, name, 7.0) == 204
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
def test_invalid_feedback_is_refused(with_feedback: FlaskClient, body: bytes) -> None:
    """Each invalid body is 400, and the error shows a valid one."""
    answer = with_feedback.post("/feedback", data=body)
    assert answer.status_code == 400
    assert "Send {" in answer.get_json()["detail"]


def test_it_is_off_by_default(client: FlaskClient) -> None:
    """Without the setting there is no such route: 404."""
    assert send(client, "a", 7) == 404


def test_memory_is_bounded() -> None:
    """The table has a fixed size; nearly all of the latest predictions are found in it, none is wrong."""
    readings = RecentPredictions()
    for number in range(3 * SLOTS):
        readings.remember(str(number), number % 10)
    latest = range(3 * SLOTS - 1000, 3 * SLOTS)
    found = [readings.recall(str(number)) for number in latest]
    assert sum(found[i] == number % 10 for i, number in enumerate(latest)) > 980
    assert not [digit for i, digit in enumerate(found) if digit not in {None, latest[i] % 10}]


def test_workers_share_what_was_read(seven: bytes) -> None:
    """With two workers, feedback over another connection finds every prediction; /metrics has the sum."""
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
