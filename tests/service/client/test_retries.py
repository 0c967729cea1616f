"""Retries, connections and unexpected responses: the client against a server that fails on demand."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from service.client import DigitsClient, DigitsError, RefusedError, UnexpectedAnswerError, UnreachableError
from service.client.transport import FIRST_WAIT_SECONDS
from tests.service.client.scripted import BREAK_CONNECTION, Response, ScriptedServer

PROBLEM = (
    b'{"type": "urn:digits:problem:overloaded", "title": "Overloaded", "status": 503, "detail": "Later."}'
)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of the client, which does not sleep in this test."""
    slept: list[float] = []
    monkeypatch.setattr("service.client.transport.sleep", slept.append)
    return slept


def rejection(retry_after: str | None, status: int = 503) -> Response:
    """Return a response with a Retry-After, or without one."""
    return Response(status, PROBLEM, (("Retry-After", retry_after),) if retry_after else ())


def in_seconds(seconds: float) -> str:
    """Return an HTTP date."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_is_respected(scripted: ScriptedServer, waits: list[float], status: int) -> None:
    """The client waits for Retry-After and up to half as long again; no two waits are equal."""
    scripted.script += [rejection("7", status), rejection("7", status), Response()]
    with DigitsClient(scripted.url) as digits:
        assert digits.predict(b"").digit == 7
    assert len(scripted.received) == 3
    assert all(7 <= wait <= 10.5 for wait in waits)
    assert len(set(waits)) == 2


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        (lambda: in_seconds(30), 25, 45),
        (lambda: in_seconds(-30), FIRST_WAIT_SECONDS, 1.5 * FIRST_WAIT_SECONDS),
        (lambda: "soon", FIRST_WAIT_SECONDS, 1.5 * FIRST_WAIT_SECONDS),
        (lambda: None, FIRST_WAIT_SECONDS, 1.5 * FIRST_WAIT_SECONDS),
    ],
    ids=["date", "past date", "invalid", "missing"],
)
def test_forms_of_retry_after(
    scripted: ScriptedServer,
    waits: list[float],
    retry_after: Callable[[], str | None],
    least: float,
    most: float,
) -> None:
    """The client waits until a date; without a valid value, it waits for a moment."""
    scripted.script += [rejection(retry_after()), Response()]
    with DigitsClient(scripted.url) as digits:
        assert digits.predict(b"").digit == 7
    assert len(waits) == 1
    assert least <= waits[0] <= most


def test_waits_grow_and_end(scripted: ScriptedServer, waits: list[float]) -> None:
    """Each wait is twice the last, and partly random; after `attempts` requests the refusal is raised."""
    scripted.script += [rejection(None)] * 4
    with (
        DigitsClient(scripted.url, attempts=4) as digits,
        pytest.raises(RefusedError, match=r"^503 Overloaded: Later\.$"),
    ):
        digits.predict(b"")
    assert len(scripted.received) == 4
    for doubled, wait in zip((1, 2, 4), waits, strict=True):
        assert FIRST_WAIT_SECONDS <= wait / doubled <= 1.5 * FIRST_WAIT_SECONDS


def test_long_wait_is_raised(scripted: ScriptedServer, waits: list[float]) -> None:
    """If Retry-After is an hour, the refusal is raised at once."""
    scripted.script += [rejection("3600")]
    with DigitsClient(scripted.url) as digits, pytest.raises(RefusedError):
        digits.predict(b"")
    assert not waits


def test_other_refusals_are_final(scripted: ScriptedServer, waits: list[float]) -> None:
    """Other statuses are not retried, even without a detail."""
    scripted.script += [Response(500, b"{}")]
    with (
        DigitsClient(scripted.url) as digits,
        pytest.raises(RefusedError, match=r"^500 Internal Server Error: "),
    ):
        digits.predict(b"")
    assert (len(scripted.received), waits) == (1, [])


def test_connections_are_kept(scripted: ScriptedServer) -> None:
    """Consecutive requests use the same connection; the path of the URL comes before /predict."""
    scripted.script += [Response()] * 3
    with DigitsClient(f"{scripted.url}/digits/") as digits:
        for _ in range(3):
            digits.predict(b"")
    assert {each.path for each in scripted.received} == {"/digits/predict"}
    assert len({each.port for each in scripted.received}) == 1


def test_broken_connection(scripted: ScriptedServer, waits: list[float]) -> None:
    """An idle connection that breaks is replaced at once; a new one that breaks, after a wait."""
    scripted.script += [Response(), BREAK_CONNECTION, BREAK_CONNECTION, Response()]
    with DigitsClient(scripted.url) as digits:
        digits.predict(b"")
        assert digits.predict(b"").digit == 7
    assert len(waits) == 1


def test_connection_close(scripted: ScriptedServer, waits: list[float]) -> None:
    """After a response with `Connection: close`, the next request opens a new connection."""
    scripted.script += [Response(headers=(("Connection", "close"),)), Response()]
    with DigitsClient(scripted.url) as digits:
        digits.predict(b"")
        assert digits.predict(b"").digit == 7
    assert not waits


def test_timeout_is_not_retried(waits: list[float]) -> None:
    """A server that accepts a connection and sends nothing causes UnreachableError after one timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            DigitsClient(url, timeout_seconds=0.2) as digits,
            pytest.raises(UnreachableError, match="timed out"),
        ):
            digits.predict(b"")
    assert not waits


def test_unreachable(waits: list[float]) -> None:
    """A port without listener is tried `attempts` times, an unknown host name once."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url, number in ((f"http://127.0.0.1:{port}", 4), ("http://nowhere.invalid", 0)):
        waits.clear()
        with DigitsClient(url) as digits, pytest.raises(UnreachableError, match=f"no response from {url}: "):
            digits.predict(b"")
        assert len(waits) == number


@pytest.mark.parametrize(
    "response",
    [
        Response(200, b"<html>hello</html>", (("Content-Type", "text/html"),)),
        Response(404, b"<html>nowhere</html>", (("Content-Type", "text/html"),)),
        Response(301, b"", (("Location", "https://example.org/"),)),
        Response(200, b'{"hello": 1}'),
        Response(200, b"[7]"),
        Response(200, b'{"predictions": [1, 2]}'),
        Response(200, b'{"predictions": []}'),
        Response(200, b"[" * 100_000),
        Response(200, b"\xff"),
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_unexpected_responses(scripted: ScriptedServer, response: Response, number: int) -> None:
    """A response that this service would not send is an exception that shows how it begins."""
    scripted.script += [response]
    with DigitsClient(scripted.url) as digits:
        found = digits.predict_many([b""] * number)
        with pytest.raises(
            UnexpectedAnswerError,
            match=f"sent a response that this service would not send: {response.status}, ",
        ):
            next(found)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://localhost", "http://", "", "http://localhost:http"])
def test_invalid_url(url: str) -> None:
    """A URL that is not http or https is refused before anything is sent."""
    with pytest.raises(ValueError, match=r"URL must be like|Port could not be cast"):
        DigitsClient(url)


def test_base_class_of_all_exceptions() -> None:
    """DigitsError catches every exception of the client."""
    assert {RefusedError, UnreachableError, UnexpectedAnswerError} == set(DigitsError.__subclasses__())
