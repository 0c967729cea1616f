"""Server-Timing on every answer, with the stages where there are any."""

import re

import pytest
from flask.testing import FlaskClient

from tests.server import Server

PREDICTED = ", ".join(
    rf"{name};dur=\d+\.\d+" for name in ("decode", "normalise", "forward", "encode", "total")
)
IMAGE = {"name": "image", "datatype": "UINT8", "shape": [1, 784], "data": [0] * 784}


@pytest.mark.parametrize("path", ["/healthz", "/", "/nothing", "/metrics", "/model"])
def test_every_answer_says_how_long_it_took(client: FlaskClient, path: str) -> None:
    """Also one about nothing but an error."""
    answer = client.get(path)
    assert re.fullmatch(r"total;dur=\d+\.\d{3}", answer.headers["Server-Timing"])


def test_a_prediction_says_what_each_stage_took(server: Server, seven: bytes) -> None:
    """The stages come in their order, in milliseconds, and are no longer than the whole."""
    connection = server.connect()
    connection.request("POST", "/predict", seven, {"Content-Type": "image/png"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    timing = answer.headers["Server-Timing"]
    assert re.fullmatch(PREDICTED, timing)
    *stages, total = (float(ms) for ms in re.findall(r"dur=([\d.]+)", timing))
    assert 0 < sum(stages) <= total + 0.01


def test_an_inference_says_it_too(client: FlaskClient) -> None:
    """What is read already has no stage for it."""
    answer = client.post("/v2/models/digits/infer", json={"inputs": [IMAGE]})
    names = re.findall(r"(\w+);dur", answer.headers["Server-Timing"])
    assert names == ["decode", "forward", "encode", "total"]


def test_what_is_no_request_took_no_time(server: Server) -> None:
    """The worker's own refusals have the header, too."""
    connection = server.connect()
    connection.request("GET", "/", headers={"Transfer-Encoding": "gzip"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status >= 400
    assert answer.headers["Server-Timing"] == "total;dur=0"
