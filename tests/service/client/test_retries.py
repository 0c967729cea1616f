"""What the client does when the service does not answer as it should.

A server of the test's own says what it is told to: the real one can't be made to answer 503 exactly twice, to
break off, or to say what is no JSON.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from service.client import DigitsClient, DigitsError, RefusedError, UnexpectedAnswerError, UnreachableError
from service.client.transport import FIRST_WAIT_SECONDS

PROBLEM = (
    b'{"type": "urn:digits:problem:overloaded", "title": "Overloaded", "status": 503, "detail": "Later."}'
)
SEVEN = b"""{"digit": 7, "confidence": 1.0, "probabilities": [0, 0, 0, 0, 0, 0, 0, 1.0, 0, 0],
    "prediction_set": [7], "abstained": false, "model": {"name": "digits", "version": "1"}}"""


class Said(NamedTuple):
    """An answer to give."""

    status: int = 200
    content: bytes = SEVEN
    headers: tuple[tuple[str, str], ...] = ()


BREAK_OFF = Said(status=0)


class Scripted(ThreadingHTTPServer):
    """Gives one answer after the other, and remembers what it was asked, and from which port."""

    daemon_threads = True

    def __init__(self) -> None:
        """Take a free port."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Said] = []
        self.asked: list[tuple[str, int]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers as the script says."""

    protocol_version = "HTTP/1.1"
    server: Scripted

    def do_POST(self) -> None:
        """Read the request, and answer or break off."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.client_address[1]))
        said = self.server.script.pop(0)
        if said is BREAK_OFF:
            self.close_connection = True
            return
        self.send_response(said.status)
        for name, value in (*said.headers, ("Content-Length", str(len(said.content)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A server that does as it is told."""
    with Scripted() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have slept; it does not."""
    slept: list[float] = []
    monkeypatch.setattr("service.client.transport.sleep", slept.append)
    return slept


def later(retry_after: str | None, status: int = 503) -> Said:
    """Return an answer that puts off."""
    return Said(status, PROBLEM, (("Retry-After", retry_after),) if retry_after else ())


def in_seconds(seconds: float) -> str:
    """Return a date as HTTP writes it."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_it_asks_again_when_it_is_told_to(scripted: Scripted, waits: list[float], status: int) -> None:
    """It waits as long as Retry-After says, and up to half as long again, each time by another length."""
    scripted.script += [later("7", status), later("7", status), Said()]
    with DigitsClient(scripted.url) as digits:
        assert digits.predict(b"").digit == 7
    assert len(scripted.asked) == 3
    assert all(7 <= wait <= 10.5 for wait in waits)
    assert len(set(waits)) == 2


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        (lambda: in_seconds(30), 25, 45),
        (lambda: in_seconds(-30), FIRST_WAIT_SECONDS, 1.5 * FIRST_WAIT_SECONDS),
        (lambda: "soon", FIRST_WAIT_SECONDS, 1.5 * FIRST_WAIT_SECONDS),
        (lambda: None, FIRST_WAIT_SECONDS, 1.5 * FIRST_WAIT_SECONDS),
    ],
    ids=["a date", "a date gone by", "neither", "not said"],
)
def test_other_words_for_later(
    scripted: Scripted, waits: list[float], told: Callable[[], str | None], least: float, most: float
) -> None:
    """A date is waited for; what says nothing is put off by a little."""
    scripted.script += [later(told()), Said()]
    with DigitsClient(scripted.url) as digits:
        assert digits.predict(b"").digit == 7
    assert len(waits) == 1
    assert least <= waits[0] <= most


def test_waits_grow_and_end(scripted: Scripted, waits: list[float]) -> None:
    """Each wait is to be twice the last; after so many attempts the refusal is raised."""
    scripted.script += [later(None)] * 4
    with (
        DigitsClient(scripted.url, attempts=4) as digits,
        pytest.raises(RefusedError, match=r"^503 Overloaded: Later\.$"),
    ):
        digits.predict(b"")
    assert len(scripted.asked) == 4
    for doubled, wait in zip((1, 2, 4), waits, strict=True):
        assert FIRST_WAIT_SECONDS <= wait / doubled <= 1.5 * FIRST_WAIT_SECONDS


def test_a_long_wait_is_the_caller_s_to_decide(scripted: Scripted, waits: list[float]) -> None:
    """Told to come back in an hour, it says so at once."""
    scripted.script += [later("3600")]
    with DigitsClient(scripted.url) as digits, pytest.raises(RefusedError):
        digits.predict(b"")
    assert not waits


def test_other_refusals_are_final(scripted: Scripted, waits: list[float]) -> None:
    """What will not be otherwise next time is not asked for again, even without a sentence."""
    scripted.script += [Said(500, b"{}")]
    with (
        DigitsClient(scripted.url) as digits,
        pytest.raises(RefusedError, match=r"^500 Internal Server Error: "),
    ):
        digits.predict(b"")
    assert (len(scripted.asked), waits) == (1, [])


def test_connections_are_kept(scripted: Scripted) -> None:
    """One request after the other goes through the same connection; the path before /predict is kept."""
    scripted.script += [Said()] * 3
    with DigitsClient(f"{scripted.url}/digits/") as digits:
        for _ in range(3):
            digits.predict(b"")
    assert {path for path, _ in scripted.asked} == {"/digits/predict"}
    assert len({port for _, port in scripted.asked}) == 1


def test_a_connection_that_breaks(scripted: Scripted, waits: list[float]) -> None:
    """A kept connection that breaks is replaced at once; a new one after a wait."""
    scripted.script += [Said(), BREAK_OFF, BREAK_OFF, Said()]
    with DigitsClient(scripted.url) as digits:
        digits.predict(b"")
        assert digits.predict(b"").digit == 7
    assert len(waits) == 1


def test_an_end_that_is_announced(scripted: Scripted, waits: list[float]) -> None:
    """A connection that the service closes after its answer is opened anew."""
    scripted.script += [Said(headers=(("Connection", "close"),)), Said()]
    with DigitsClient(scripted.url) as digits:
        digits.predict(b"")
        assert digits.predict(b"").digit == 7
    assert not waits


def test_silence_is_not_asked_again(waits: list[float]) -> None:
    """Whoever takes a connection and says nothing is given up after the timeout, once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            DigitsClient(url, timeout_seconds=0.2) as digits,
            pytest.raises(UnreachableError, match="timed out"),
        ):
            digits.predict(b"")
    assert not waits


def test_nobody_there(waits: list[float]) -> None:
    """A port where nobody listens is tried as often as may be; a name that there isn't, once."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url, number in ((f"http://127.0.0.1:{port}", 4), ("http://nowhere.invalid", 0)):
        waits.clear()
        with DigitsClient(url) as digits, pytest.raises(UnreachableError, match=f"no answer from {url}: "):
            digits.predict(b"")
        assert len(waits) == number


@pytest.mark.parametrize(
    "said",
    [
        Said(200, b"<html>hello</html>", (("Content-Type", "text/html"),)),
        Said(404, b"<html>nowhere</html>", (("Content-Type", "text/html"),)),
        Said(301, b"", (("Location", "https://example.org/"),)),
        Said(200, b'{"hello": 1}'),
        Said(200, b"[7]"),
        Said(200, b'{"predictions": [1, 2]}'),
        Said(200, b'{"predictions": []}'),
        Said(200, b"[" * 100_000),
        Said(200, b"\xff"),
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_what_is_not_this_service(scripted: Scripted, said: Said, number: int) -> None:
    """An answer that this service would not give is an exception that shows how it begins."""
    scripted.script += [said]
    with DigitsClient(scripted.url) as digits:
        found = digits.predict_many([b""] * number)
        with pytest.raises(
            UnexpectedAnswerError, match=f"answers, but not as this service does: {said.status}, "
        ):
            next(found)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://localhost", "http://", "", "http://localhost:http"])
def test_a_url_that_is_none(url: str) -> None:
    """A URL of another kind is refused before anything is sent."""
    with pytest.raises(ValueError, match=r"URL must be like|Port could not be cast"):
        DigitsClient(url)


def test_one_name_for_all_errors() -> None:
    """Whoever wants to know only that it failed can catch one exception."""
    assert {RefusedError, UnreachableError, UnexpectedAnswerError} == set(DigitsError.__subclasses__())
