"""The service behaves alike under our worker, gunicorn's gthread worker and Flask's development server."""

import io
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.server import SERVERS, Server, running

WORKERS = {"our worker": 2, "gthread": 2, "flask run": 1}
BOUNDARY = "b0undary"
PNG = {"Content-Type": "image/png"}
IMAGE = {"name": "image", "datatype": "UINT8", "shape": [1, 784], "data": [0] * 784}
SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
POSTS, CLIENTS = 50, 4


@pytest.fixture(scope="module", params=SERVERS)
def under(request: pytest.FixtureRequest) -> str:
    """The name of a WSGI server."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(under: str) -> Iterator[Server]:
    """The service under that server, with its defaults."""
    with running(under=under) as running_server:
        yield running_server


def ask(
    server: Server, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[HTTPResponse, bytes]:
    """Send a request over a new connection: the response, and its body."""
    connection = server.connect()
    connection.request(method, path, body or None, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def form(*files: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a form with these files."""
    head = b'Content-Disposition: form-data; name="f"; filename="f.png"\r\nContent-Type: image/png\r\n\r\n'
    parts = [b"--%s\r\n%s%s\r\n" % (BOUNDARY.encode(), head, file) for file in files]
    body = b"".join([*parts, b"--%s--\r\n" % BOUNDARY.encode()])
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def document(content: bytes) -> dict[str, Any]:
    """Read a JSON object."""
    found: dict[str, Any] = json.loads(content)
    return found


def samples(server: Server) -> dict[str, float]:
    """Return what /metrics exposes, by name and labels."""
    lines = server.get("/metrics")[1].splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if name[:1] != "#"
    }


def photo() -> bytes:
    """Return a PNG of 12 megapixels, which takes some tens of milliseconds to read."""
    pixels = np.full((3000, 4000), 200, np.uint8)
    pixels[1000:2000, 1900:2100] = 20
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


@pytest.mark.parametrize("query", ["", "?receipt=1&activations=1&explain=answer"])
def test_an_answer_is_that_of_the_app(server: Server, client: FlaskClient, seven: bytes, query: str) -> None:
    """One image is answered as in this process, to the last digit, with its length and not in chunks."""
    response, content = ask(server, "POST", f"/predict{query}", seven, PNG)
    assert response.status == 200
    assert document(content) == client.post(f"/predict{query}", data=seven, content_type="image/png").json
    assert response.headers.get_all("Content-Length") == [str(len(content))]
    assert "Transfer-Encoding" not in response.headers


def test_a_form_is_answered_in_its_order(server: Server, seven: bytes, blank: bytes) -> None:
    """Several files in a form are answered in order; one that can't be read fails none of the others."""
    response, content = ask(server, "POST", "/predict", *form(seven, b"no PNG", blank, seven))
    assert response.status == 200
    found = [each.get("digit", each.get("status")) for each in document(content)["predictions"]]
    assert found == [7, 415, 422, 7]


def test_the_open_inference_protocol_answers(server: Server) -> None:
    """/v2 reads a tensor, and answers with the protocol's document."""
    body = json.dumps({"inputs": [IMAGE]}).encode()
    response, content = ask(
        server, "POST", "/v2/models/digits/infer", body, {"Content-Type": "application/json"}
    )
    assert response.status == 200
    assert [each["name"] for each in document(content)["outputs"]] == ["probabilities", "digit", "abstained"]


def test_every_response_has_its_headers(server: Server, seven: bytes) -> None:
    """A prediction, a page and a refusal carry the request id, Server-Timing and the safe headers."""
    timing = ", ".join(
        rf"{name};dur=[\d.]+" for name in ("decode", "normalise", "forward", "encode", "total")
    )
    given = {"X-Request-Id": "a-name"}
    for method, path, body, expected in (
        ("POST", "/predict", seven, timing),
        ("GET", "/healthz", b"", r"total;dur=[\d.]+"),
        ("GET", "/nothing", b"", r"total;dur=[\d.]+"),
    ):
        response, _ = ask(server, method, path, body, PNG | given)
        assert response.headers.get_all("X-Request-Id") == ["a-name"]
        assert re.fullmatch(expected, response.headers["Server-Timing"]), response.headers["Server-Timing"]
        assert SAFE.items() <= dict(response.headers).items()


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "status"),
    [
        ("GET", "/nothing", b"", "", 404),
        ("DELETE", "/predict", b"", "", 405),
        ("POST", "/predict", b"", "image/png", 400),
        ("POST", "/predict", b"no PNG", "image/png", 415),
        ("POST", "/predict", b"text", "text/plain", 415),
        ("POST", "/predict", b"--x", "multipart/form-data; boundary=y", 400),
        ("POST", "/predict?explain=ten", b"", "image/png", 400),
    ],
)
def test_errors_are_problem_details(
    server: Server, method: str, path: str, body: bytes, content_type: str, status: int
) -> None:
    """Each refusal has its status and says what would be right, as application/problem+json."""
    response, content = ask(server, method, path, body, {"Content-Type": content_type})
    assert (response.status, response.headers["Content-Type"]) == (status, "application/problem+json")
    assert document(content)["status"] == status
    assert document(content)["detail"]
    if status == 405:
        assert "POST" in response.headers["Allow"]


def test_a_body_beyond_the_limit_is_refused(under: str, seven: bytes) -> None:
    """A body with more bytes than DIGITS_MAX_UPLOAD_BYTES is answered 413, and the service goes on."""
    with running({"DIGITS_MAX_UPLOAD_BYTES": "1000"}, under=under) as server:
        assert ask(server, "POST", "/predict", seven + bytes(1000), PNG)[0].status == 413
        assert ask(server, "POST", "/predict", seven, PNG)[0].status == 200


def test_keys_rates_and_origins_hold(under: str, seven: bytes) -> None:
    """A wrong key is 401, a request too many 429 with Retry-After, and CORS names the allowed origin."""
    key, origin = {"X-API-Key": "a-key-of-sixteen-letters"}, {"Origin": "https://example.org"}
    settings = {
        "DIGITS_API_KEY": key["X-API-Key"],
        "DIGITS_RATE_LIMIT": "0.01",
        "DIGITS_RATE_BURST": "2",
        "DIGITS_CORS_ORIGINS": origin["Origin"],
    }
    with running(settings, under=under) as server:
        found = [ask(server, "POST", "/predict", seven, PNG | key | origin)[0] for _ in range(3)]
        without, _ = ask(server, "POST", "/predict", seven, PNG)
    assert [response.status for response in found] == [200, 200, 429]
    assert int(found[2].headers["Retry-After"]) > 0
    assert found[1].headers["RateLimit"].startswith('"default";r=0;')
    assert {each.headers["Access-Control-Allow-Origin"] for each in found} == {origin["Origin"]}
    assert without.status == 401
    assert "Access-Control-Allow-Origin" not in without.headers


def test_health_and_readiness(server: Server, under: str, tmp_path: Path) -> None:
    """With weights the service is ready; without them it lives, and says why it is not ready."""
    assert [server.get(path)[0] for path in ("/healthz", "/readyz")] == [200, 200]
    with running({"DIGITS_MODEL": str(tmp_path / "none.npz")}, under=under) as other:
        assert other.get("/healthz")[0] == 200
        response, content = ask(other, "GET", "/readyz")
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        assert "none.npz" in document(content)["detail"]


def test_metrics_are_exact(under: str, seven: bytes) -> None:
    """Requests from several clients at once are all counted, and none is in flight at the end."""

    def post() -> None:
        connection = running_server.connect()
        for _ in range(POSTS):
            connection.request("POST", "/predict", seven, PNG)
            connection.getresponse().read()
        connection.close()

    with running(under=under) as running_server:
        clients = [threading.Thread(target=post) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        ask(running_server, "POST", "/predict", b"no PNG", PNG)
        found = samples(running_server)
    labels = 'method="POST",route="/predict",status="200"'
    assert found[f"digits_request_duration_seconds_count{{{labels}}}"] == POSTS * CLIENTS
    assert found['digits_predictions_total{digit="7"}'] == POSTS * CLIENTS
    assert found["digits_images_per_request_count"] == POSTS * CLIENTS + 1
    assert found['digits_rejected_images_total{reason="not_png"}'] == 1
    assert found['digits_stage_duration_seconds_count{stage="encode"}'] == POSTS * CLIENTS
    # The scrape itself is in flight while it is answered.
    assert found["digits_in_flight_requests"] == 1
    assert found["digits_workers"] == WORKERS[under]
    assert found["digits_uncounted_events_total"] == found["digits_worker_start_failures_total"] == 0


def test_too_many_requests_are_turned_away(under: str) -> None:
    """Beyond DIGITS_MAX_WAITING, a prediction is answered 503 with Retry-After at once; the rest are 200."""
    picture, found = photo(), Counter[int]()

    def post() -> None:
        response, _ = ask(running_server, "POST", "/predict", picture, PNG)
        found[response.status] += 1
        if response.status == 503:
            found[int(response.headers["Retry-After"])] += 1

    settings = {"DIGITS_MAX_WAITING": "1", "DIGITS_WORKERS": "1"}
    with running(settings, under=under) as running_server:
        for _ in range(20):
            clients = [threading.Thread(target=post) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            if found[503]:
                break
        counts = samples(running_server)
    assert found[200]
    assert found[503] == found[1] > 0
    assert counts['digits_rejected_images_total{reason="overloaded"}'] == found[503]
    requests = [value for name, value in counts.items() if 'status="503"' in name and "_count" in name]
    assert sum(requests) == found[503]
    assert counts["digits_in_flight_requests"] == 1


@pytest.mark.parametrize("under", ["our worker", "gthread"])
def test_workers_obey_sigterm(under: str, seven: bytes) -> None:
    """Told to stop after a request, each worker ends by itself: the master need not kill it."""
    with running({"DIGITS_LOG_FORMAT": "text"}, under=under) as server:
        workers = server.wait_for_workers(2)
        assert ask(server, "POST", "/predict", seven, PNG)[0].status == 200
        server.stop()
    exited = {int(pid) for pid in re.findall(r"Worker exiting \(pid: (\d+)\)", "".join(server.log))}
    assert exited == set(workers)
