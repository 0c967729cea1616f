"""The request log: a line a request, which no client can forge, without pictures and keys."""

import base64
import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from service.api import read_images
from service.app import create_app
from service.settings import Settings
from tests.server import Server, running

Lines = Callable[[], list[str]]
HOSTILE = [
    'a" , "level": "error',
    "x\x1b[31m",
    "\u2028\u00e9\u0000",
    "%s %d {0} ${jndi:ldap://a}",
    "\\" * 50,
    "a" * 5000,
]


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Lines:
    """What was written to standard output since, line by line."""

    def since() -> list[str]:
        return capfd.readouterr().out.splitlines()

    return since


def test_a_line_says_what_was_answered(client: FlaskClient, seven: bytes, lines: Lines) -> None:
    """One prediction is one line: its name, its digit, the time of each stage, the picture's size."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"X-Request-Id": "mine-1", "traceparent": trace, "User-Agent": "a client"}
    answer = client.post("/predict", data=seven, content_type="image/png", headers=headers)
    document = answer.get_json()
    assert answer.headers["X-Request-Id"] == "mine-1"
    (line,) = map(json.loads, lines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    stages, ms = line.pop("stages"), line.pop("ms")
    assert list(stages) == ["decode", "normalise", "forward", "encode"]
    assert sum(stages.values()) <= ms + 0.01
    assert line == {
        "level": "info",
        "request": "mine-1",
        "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        "images": 1,
        "size": [28, 28],
        "digit": 7,
        "confidence": document["confidence"],
        "abstained": False,
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "bytes": str(len(seven)),
        "agent": "a client",
    }


def test_names_are_made_up_where_none_is_given(client: FlaskClient, lines: Lines) -> None:
    """Without a name, or with one that is not plain, each request gets another; the answer has it."""
    given = [{}, {}, {"X-Request-Id": 'a"b'}, {"X-Request-Id": "a" * 65}]
    names = [client.get("/healthz", headers=headers).headers["X-Request-Id"] for headers in given]
    assert len(set(names)) == 4
    assert [json.loads(line)["request"] for line in lines()] == names


def test_errors_are_found_by_their_name(
    client: FlaskClient, seven: bytes, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong here is a line of level error with the name that the answer has; it says no more."""
    monkeypatch.setattr(read_images, "normalise", lambda _: 1 / 0)
    answer = client.post("/predict", data=seven, content_type="image/png")
    assert answer.status_code == 500
    assert "Zero" not in answer.text
    (line,) = (json.loads(line) for line in lines() if line.startswith("{"))
    assert (line["level"], line["status"]) == ("error", 500)
    assert line["request"] == answer.headers["X-Request-Id"]


def hostile_requests(server: Server, seven: bytes) -> int:
    """Send what might break a log, some of it with the picture or a key in odd places; return how many."""
    key = {"Authorization": "Bearer sesame"}
    connection = server.connect()
    for text in HOSTILE:
        name = text.encode("utf-8").decode("latin-1").replace("\x00", "")
        form = (
            f'--b\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'.encode("latin-1")
            + seven
            + b"\r\n--b--\r\n"
        )
        agent = "".join(c for c in name if c.isprintable()) or "-"
        connection.request(
            *("POST", "/predict?wish=" + "1" * 50, form),
            {
                "Content-Type": "multipart/form-data; boundary=b",
                "User-Agent": agent,
                "X-Request-Id": agent,
                **key,
            },
        )
        connection.getresponse().read()
    connection.close()
    return len(HOSTILE)


def test_hostile_clients_leave_one_plain_line_each(seven: bytes) -> None:
    """Under hostile agents, names and file names, each line is JSON, one a request, and tells no secret."""
    with running({"DIGITS_API_KEY": "sesame"}) as server:
        sent = hostile_requests(server, seven)
        server.stop()
    parsed = [json.loads(line) for line in server.log]
    assert len([line for line in parsed if line.get("route") == "/predict"]) == sent
    assert all(len(line) < 1500 for line in server.log)
    text = "".join(server.log)
    assert "sesame" not in text
    for part in (seven[:24], seven[-24:]):
        for written in (
            part.decode("latin-1"),
            part.hex(),
            base64.b64encode(part).decode(),
            repr(part)[2:-1],
        ):
            assert written not in text


def test_lines_for_people(seven: bytes, lines: Lines) -> None:
    """As text, a line begins with time and level; what a client says stays quoted."""
    client = create_app(Settings(log_format="text")).test_client()
    client.post("/predict", data=seven, content_type="image/png", headers={"User-Agent": 'a\x1b"b'})
    (line,) = lines()
    assert re.match(r"\S+Z INFO    request=", line)
    assert "digit=7" in line
    assert line.endswith('agent="a\\u001b\\"b"')


def test_no_lines_if_none_are_wanted(seven: bytes, lines: Lines) -> None:
    """With DIGITS_LOG_REQUESTS=no, requests leave no line."""
    client = create_app(Settings(log_requests="no")).test_client()
    assert client.post("/predict", data=seven, content_type="image/png").status_code == 200
    assert not lines()
