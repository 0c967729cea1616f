"""POST /predict: predictions, batches and errors, tested within the app."""

import io
import json
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from service.app import create_app
from service.settings import Settings
from tests.parity import digits_offline, png_of
from training.data import Examples


def post(client: FlaskClient, body: bytes, content_type: str = "image/png", query: str = "") -> Any:  # noqa: ANN401 - werkzeug's test response
    """POST a body."""
    return client.post(f"/predict{query}", data=body, content_type=content_type)


def post_files(client: FlaskClient, *files: bytes, names: str = "") -> Any:  # noqa: ANN401 - the same
    """POST files as a form, in fields of those names; written by hand, to be sure of the order."""
    body = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="x.png"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in zip(names or "f" * len(files), files, strict=True)
    )
    return post(client, body + b"--b--\r\n", "multipart/form-data; boundary=b")


def counted(name: str, **labels: str) -> float:
    """Return a metric's value in this process."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_png_gets_its_digit(client: FlaskClient, seven: bytes) -> None:
    """The response has the documented fields, and they agree with each other."""
    answer = post(client, seven)
    document = answer.get_json()
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert list(document) == [
        *("digit", "confidence", "probabilities", "prediction_set", "abstained", "model")
    ]
    assert document["digit"] == 7
    assert document["confidence"] == document["probabilities"][7] == max(document["probabilities"])
    assert sum(document["probabilities"]) == pytest.approx(1, abs=1e-6)
    assert document["prediction_set"] == [7]
    assert document["abstained"] is False
    assert document["model"].keys() == {"name", "version"}


def test_one_file_in_a_form_is_one_object(client: FlaskClient, seven: bytes) -> None:
    """A form with one file gives the same object as the plain body."""
    assert post_files(client, seven).get_json() == post(client, seven).get_json()


def test_many_files_keep_their_order(client: FlaskClient, mnist_500: Examples) -> None:
    """Predictions are in the order of the files, whatever their fields, each as if its file were alone."""
    images = mnist_500.images[:12]
    answer = post_files(client, *map(png_of, images), names="abcabcabcabc")
    predictions = answer.get_json()["predictions"]
    assert [entry["digit"] for entry in predictions] == digits_offline(images)
    for image, together in zip(images, predictions, strict=True):
        alone = post(client, png_of(image)).get_json()
        np.testing.assert_allclose(together["probabilities"], alone["probabilities"], atol=1e-6)


def test_a_bad_image_fails_alone(client: FlaskClient, seven: bytes, blank: bytes) -> None:
    """A file that can't be read is a problem document in its place; the others are predicted."""
    answer = post_files(client, seven, b"no picture", blank, seven[:50], seven)
    predictions = answer.get_json()["predictions"]
    assert answer.status_code == 200
    assert [entry.get("digit") for entry in predictions] == [7, None, None, None, 7]
    assert [entry.get("status") for entry in predictions] == [None, 415, 422, 400, None]


def test_only_bad_images(client: FlaskClient, blank: bytes) -> None:
    """Several files of which none can be read give 200, with a problem document each."""
    predictions = post_files(client, blank, b"").get_json()["predictions"]
    assert [entry["status"] for entry in predictions] == [422, 415]


def test_receipt_shows_what_the_network_saw(client: FlaskClient, mnist_500: Examples) -> None:
    """?receipt=1 adds the 784 values and the preprocessing; an MNIST image stays unchanged."""
    image = mnist_500.images[0]
    receipt = post(client, png_of(image), query="?receipt=1").get_json()["receipt"]
    np.testing.assert_allclose(receipt["pixels"], image.ravel() / 255, atol=1e-6)
    assert receipt["inverted"] is False
    assert receipt["scale"] == 1
    assert receipt["shift"] == receipt["crop"][:2]
    assert receipt["ink_fraction"] == pytest.approx((image > 0).mean())


def test_activations_are_the_forward_pass(client: FlaskClient, seven: bytes, app: Flask) -> None:
    """?activations=1 adds every layer's activations, the input first; ?activations=0 adds none."""
    document = post(client, seven, query="?activations=1&receipt=1").get_json()
    layers = document["activations"]
    network = app.extensions["digits"].model.network
    assert [len(layer) for layer in layers] == [784, *(layer.W.shape[1] for layer in network)]
    assert layers[0] == document["receipt"]["pixels"]
    assert int(np.argmax(layers[-1])) == 7
    assert "activations" not in post(client, seven, query="?activations=0").get_json()


@pytest.mark.parametrize("query", ["receipt=yes", "receipt=", "activations=2", "receipt=1&activations=true"])
def test_an_invalid_option_is_not_ignored(client: FlaskClient, seven: bytes, query: str) -> None:
    """?receipt= and ?activations= are 0 or 1; any other value is 400, and the error says so."""
    answer = post(client, seven, query=f"?{query}")
    assert answer.status_code == 400
    assert "must be `0` or `1`, not" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason", "words"),
    [
        (b"", "image/png", 400, "empty-body", "The body is empty"),
        (b"GIF89a", "image/png", 415, "not-png", "PNG signature"),
        (b"\x89PNG\r\n\x1a\n", "image/png", 400, "broken-image", "ends before its header"),
        (b"x", "image/jpeg", 415, "not-png", "'image/jpeg' is not supported. Send one PNG"),
        (b"x", "", 415, "not-png", "The Content-Type is missing. Send one PNG"),
        (b"x", "multipart/form-data", 400, "broken-multipart", "can't be read"),
        (b"x", "multipart/form-data; boundary=b", 400, "broken-multipart", "can't be read"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", 400, "no-files", "contains no file"),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ntext\r\n--b--\r\n',
            *("multipart/form-data; boundary=b", 400, "no-files", "contains no file"),
        ),
    ],
)
def test_bad_bodies(
    client: FlaskClient, body: bytes, content_type: str, status: int, reason: str, words: str
) -> None:
    """Each bad body gets its documented status and a problem document that says what would be right."""
    answer = post(client, body, content_type)
    document = answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert document.keys() == {"type", "title", "status", "detail", "instance"}
    assert (answer.status_code, document["status"]) == (status, status)
    assert document["type"] == f"urn:digits:problem:{reason}"
    assert words in document["detail"]
    assert document["instance"] == "/predict"


def test_every_truncation_is_a_client_error(client: FlaskClient, seven: bytes) -> None:
    """A PNG truncated anywhere is 400 or 415, or still readable; never a 5xx."""
    for length in range(1, len(seven)):
        answer = post(client, seven[:length])
        assert answer.status_code in {200, 400, 415}, length


def test_limits(seven: bytes) -> None:
    """More bytes, pixels or files than the settings allow are 413, and the error has the limit."""
    client = create_app(Settings(max_upload_bytes=1000, max_pixels=783, max_images=2)).test_client()
    for answer, reason, words in [
        (post(client, bytes(1001)), "too-many-bytes", "1001 bytes; at most 1000"),
        (post(client, seven), "too-many-pixels", "28 × 28 pixels; at most 783"),
        (post_files(client, b"a", b"b", b"c"), "too-many-images", "At most 2 images"),
        (post_files(client, b"", b"", b"", b"", b""), "too-many-images", "At most 2 images"),
    ]:
        assert answer.status_code == 413
        assert answer.get_json()["type"].endswith(reason)
        assert words in answer.get_json()["detail"]


def test_a_body_without_length_is_refused(client: FlaskClient, seven: bytes) -> None:
    """A body without Content-Length is 411, before it is read."""
    answer = client.post(
        "/predict",
        input_stream=io.BytesIO(seven),
        content_type="image/png",
        headers={"Transfer-Encoding": "chunked"},
    )
    assert answer.status_code == 411
    assert "Content-Length" in answer.get_json()["detail"]


def test_everything_is_counted(client: FlaskClient, seven: bytes, blank: bytes) -> None:
    """The metrics count requests, images, digits, confidences, ink, and refusals by reason."""
    names = {
        "read": ("digits_predictions_total", {"digit": "7"}),
        "confidence": ("digits_confidence_count", {}),
        "ink": ("digits_ink_fraction_count", {}),
        "requests": ("digits_images_per_request_count", {}),
        "images": ("digits_images_per_request_sum", {}),
        "blank": ("digits_rejected_images_total", {"reason": "blank_image"}),
        "empty": ("digits_rejected_images_total", {"reason": "empty_body"}),
        "answered": (
            "digits_request_duration_seconds_count",
            {"route": "/predict", "method": "POST", "status": "200"},
        ),
        "forward": ("digits_stage_duration_seconds_count", {"stage": "forward"}),
    }
    before = {key: counted(name, **labels) for key, (name, labels) in names.items()}
    post_files(client, seven, blank, seven)
    post(client, seven)
    post(client, b"")
    after = {key: counted(name, **labels) - before[key] for key, (name, labels) in names.items()}
    assert after == {
        "read": 3,
        "confidence": 3,
        "ink": 3,
        "requests": 2,
        "images": 4,
        "blank": 1,
        "empty": 1,
        "answered": 2,
        "forward": 2,
    }


def test_answers_are_json_numbers(client: FlaskClient, seven: bytes) -> None:
    """A response has no NaN or Infinity, which strict JSON parsers refuse."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(post(client, seven, query="?receipt=1&activations=1").data, parse_constant=refuse)
