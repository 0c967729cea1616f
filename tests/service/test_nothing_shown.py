"""No answer shows what the service is made of: no traceback, version or path, no framework's own words."""

import json
import os
import re
import socket
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from service.access.security_headers import HEADERS
from service.app import create_app
from service.settings import Settings
from tests.server import ROOT, Server, running

PARTS = ("flask", "werkzeug", "gunicorn", "numpy", "pillow", "jinja2", "prometheus-client")
SHOWN = re.compile(
    r"traceback|file \"|line \d+, in|\.py\b|site-packages|<!doctype|<html|python/"
    r"|/home/|/root/|/usr/|/srv/|/tmp/|werkzeug|gunicorn|jinja|flask|pillow|numpy",
    re.IGNORECASE,
)
KEY = "a-key-of-some-length"
WITH_KEY = f"X-API-Key: {KEY}\r\n".encode()
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
REQUESTS = {
    "no path": b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
    "a slash too many": b"GET //predict HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a slash at the end": b"GET /model/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "out of the folder": b"GET /web/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "out of it, escaped": b"GET /web/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nHost: a\r\n\r\n",
    "no file": b"GET /web/nothing.js HTTP/1.1\r\nHost: a\r\n\r\n",
    "no method here": b"GET /predict HTTP/1.1\r\nHost: a\r\n\r\n",
    "no method at all": b"BREW /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "no key": b"GET /model HTTP/1.1\r\nHost: a\r\n\r\n",
    "no HTTP": b"nonsense\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two lengths": b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "a long line": b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "chunks": b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "too large": b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
    "no body": b"POST /predict HTTP/1.1\r\nHost: a\r\n%bContent-Length: 0\r\n\r\n" % WITH_KEY,
    "no PNG": b"POST /predict HTTP/1.1\r\nHost: a\r\n%bContent-Length: 3\r\n\r\nGIF" % WITH_KEY,
    "no form": b"POST /predict HTTP/1.1\r\nHost: a\r\n%b%bContent-Length: 3\r\n\r\n--x" % (WITH_KEY, FORM),
    "no neuron": b"GET /model/layers/9/neurons/x HTTP/1.1\r\nHost: a\r\n%b\r\n" % WITH_KEY,
    "no inference": b"POST /v2/models/digits/infer HTTP/1.1\r\nHost: a\r\n%bContent-Length: 1\r\n\r\n{"
    % WITH_KEY,
    "no model": b"GET /v2/models/other HTTP/1.1\r\nHost: a\r\n%b\r\n" % WITH_KEY,
}


@pytest.fixture(scope="module")
def closed() -> Iterator[Server]:
    """The service, with a key."""
    with running({"DIGITS_API_KEY": KEY}) as server:
        yield server


def answer(server: Server, request: bytes) -> tuple[str, str]:
    """Send a request, and return the head and the body of all that is answered."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        head, _, body = (
            b"".join(iter(lambda: client.recv(65536), b"")).decode("latin-1").partition("\r\n\r\n")
        )
    return head, body


def check(text: str) -> None:
    """Fail if a text shows what the service is made of."""
    assert not SHOWN.search(text), text
    assert str(ROOT) not in text
    for part in PARTS:
        assert version(part) not in text, text


@pytest.mark.parametrize("name", REQUESTS)
def test_an_error_says_what_was_wrong_and_no_more(closed: Server, name: str) -> None:
    """Of every kind, head and sentence name no part, version or path; what browsers must know is there."""
    head, body = answer(closed, REQUESTS[name])
    assert re.match(r"HTTP/1\.1 4\d\d ", head), head
    check(head + body)
    assert json.loads(body).keys() >= {"detail"} or json.loads(body).keys() == {"error"}
    assert re.findall(r"\r\nServer: (.*)", head) in ([], ["digits\r"])
    for header, value in HEADERS:
        assert head.count(f"\r\n{header}: {value}") == 1
    assert "\r\nLocation:" not in head


def test_a_defect_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An exception with a path and a secret in it is an answer with neither; the log has both."""
    app = create_app(Settings())
    secret = f"sesame in {Path(__file__)}"

    def defect() -> str:
        return os.environ[secret]

    app.view_functions["health.healthz"] = defect
    said = app.test_client().get("/healthz")
    assert said.status_code == 500
    check(f"{said.headers}{said.text}")
    assert "sesame" not in said.text
    assert secret in caplog.text


def test_a_models_failure_names_the_file_alone(tmp_path: Path) -> None:
    """Where the weights are kept is the operator's to know."""
    client = create_app(Settings(model=tmp_path / "weights.npz")).test_client()
    said = client.get("/readyz")
    assert said.status_code == 503
    assert str(tmp_path) not in said.text
