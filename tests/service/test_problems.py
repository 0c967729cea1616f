"""Whatever goes wrong is answered as problem details, in one form."""

import json
import logging

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.observability.log_format import JsonFormatter
from service.problems import REASONS
from service.settings import Settings


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/model", 405),
        ("BREW", "/nowhere", 404),
    ],
)
def test_http_errors(client: FlaskClient, method: str, path: str, status: int) -> None:
    """Unknown paths and methods are problem details too; 405 says what is allowed."""
    answer = client.open(path, method=method)
    document = json.loads(answer.data)
    assert (answer.status_code, document["status"]) == (status, status)
    assert answer.content_type == "application/problem+json"
    assert document["instance"] == path
    assert document["type"] == "about:blank"
    if status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "allowed"), [("/predict", {"POST", "OPTIONS"}), ("/model", {"GET", "HEAD", "OPTIONS"})]
)
def test_options_say_what_is_allowed(client: FlaskClient, path: str, allowed: set[str]) -> None:
    """OPTIONS is answered with the methods of the path, however often it was asked before."""
    for _ in range(2):
        answer = client.options(path)
        assert (answer.status_code, answer.data) == (200, b"")
        assert set(answer.allow) == allowed


def test_a_surprise_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """A defect of ours is a 500 without any of its details; the log has the traceback."""
    app = create_app(Settings())

    @app.get("/defect")
    def defect() -> str:
        raise KeyError("secret")

    answer = app.test_client().get("/defect")
    assert answer.status_code == 500
    assert answer.get_json().keys() == {"type", "title", "status", "detail", "instance"}
    assert "secret" not in answer.text
    assert "KeyError: 'secret'" in caplog.text


def test_every_refusal_is_the_clients_or_temporary() -> None:
    """No reason for a refusal is a 5xx, but for the one that passes."""
    assert {status for status in REASONS.values() if status >= 500} == {503}


def test_json_logs_are_one_object_a_line() -> None:
    """Line breaks in a message or a traceback can't forge another line."""
    try:
        float("first\nsecond")
    except ValueError as error:
        record = logging.LogRecord("service", logging.ERROR, "", 0, "a\nb %s", ("c",), None)
        record.exc_info = (ValueError, error, error.__traceback__)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["message"] == "a\nb c"
    assert entry["level"] == "error"
    assert "ValueError: could not convert" in entry["traceback"]
