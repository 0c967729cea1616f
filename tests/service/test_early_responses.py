"""Responses made before the app sees a request have the form of the app's own errors."""

import json
import logging

import pytest
from gunicorn.http.errors import InvalidRequestLine

from service.access.security_headers import HEADERS
from service.early_responses import EarlyResponses
from service.server.connection import RequestTimeoutError
from service.server.request_head import RequestHead
from service.settings import Settings

HERE = "https://app.example"


def head(path: str = "/predict", fields: dict[str, str] | None = None, *, close: bool = False) -> RequestHead:
    """The head of a prediction."""
    return RequestHead(
        *("POST", path, "", "HTTP/1.1", "http", fields or {}, 1), close=close, expects_continue=False
    )


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/predict", "application/problem+json"),
        ("/v2/models/digits/infer", "application/json"),
        ("/v20", "application/problem+json"),
    ],
)
def test_overload_is_answered_in_the_form_that_the_client_expects(path: str, media_type: str) -> None:
    """Problem details, or the Open Inference Protocol's error under /v2; both say when to try again."""
    start, body = EarlyResponses(Settings()).overload(head(path)).split(b"\r\n\r\n")
    lines = start.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 503 Service Unavailable"
    assert {f"Content-Type: {media_type}", "Retry-After: 1", f"Content-Length: {len(body)}"} <= set(lines)
    assert (json.loads(body).keys() == {"error"}) == (media_type == "application/json")


def test_overload_closes_the_connection_where_the_body_is_not_read() -> None:
    """It says so exactly where the head does."""
    responses = EarlyResponses(Settings())
    assert b"Connection: close" in responses.overload(head(close=True))
    assert b"Connection: close" not in responses.overload(head())


def test_a_page_that_is_turned_away_can_read_why() -> None:
    """An origin that may read answers may read this one, which has the same security headers."""
    responses = EarlyResponses(Settings(cors_origins=HERE))
    text = responses.overload(head(fields={"HTTP_ORIGIN": HERE})).decode()
    assert f"\r\nAccess-Control-Allow-Origin: {HERE}\r\n" in text
    for name, value in HEADERS:
        assert text.count(f"\r\n{name}: {value}\r\n") == 1


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (InvalidRequestLine("GET"), 400, "Invalid HTTP request line: 'GET'"),
        (RequestTimeoutError("The request timed out."), 408, "The request timed out."),
        (InvalidRequestLine("a" * 1000), 400, "Invalid HTTP request line: '" + "a" * 172),
    ],
)
def test_an_unreadable_request_is_told_why(error: Exception, status: int, detail: str) -> None:
    """The client's fault is named, shortened if it is long, in problem details that close the connection."""
    start, body = EarlyResponses(Settings()).unreadable(error, "127.0.0.1").split(b"\r\n\r\n")
    assert b"Connection: close" in start
    document = json.loads(body)
    assert (document["status"], document["detail"]) == (status, detail)


def test_a_defect_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """An error that is not the client's is a 500 without its text; the log has it."""
    with caplog.at_level(logging.ERROR):
        response = EarlyResponses(Settings()).unreadable(KeyError("secret"), "127.0.0.1")
    assert response.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in response
    assert "KeyError: 'secret'" in caplog.text
