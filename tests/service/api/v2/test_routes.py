"""The Open Inference Protocol: metadata, health, and outputs that equal the predictions of /predict."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from models.preprocessing import preprocess
from service.app import create_app
from service.settings import Settings
from tests.parity import png_of
from training.data import Examples

INFER = "/v2/models/digits/infer"


def image_input(values: Any, datatype: str = "UINT8") -> dict[str, Any]:  # noqa: ANN401 - any nesting
    """Return the input `image`, nested as the array."""
    return {
        "name": "image",
        "datatype": datatype,
        "shape": list(np.shape(values)),
        "data": np.asarray(values).tolist(),
    }


def infer(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    """Post an inference request, and return the response's document."""
    answer = client.post(INFER, json=body)
    assert (answer.status_code, answer.content_type) == (200, "application/json"), answer.text
    return answer.get_json()


def outputs(document: dict[str, Any]) -> dict[str, Any]:
    """Return the outputs' data by name."""
    return {output["name"]: output["data"] for output in document["outputs"]}


@pytest.fixture(scope="session")
def expected(mnist_500: Examples) -> list[dict[str, Any]]:
    """The predictions of POST /predict for the first five images."""
    client = create_app(Settings()).test_client()
    pngs = [png_of(image) for image in mnist_500.images[:5]]
    return [client.post("/predict", data=png, content_type="image/png").get_json() for png in pngs]


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_names_its_extensions(client: FlaskClient, path: str) -> None:
    """With and without the slash, the server returns its name and its extensions."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.get_json()["name"] == "digits"
    assert answer.get_json()["extensions"] == ["binary_tensor_data", "classification"]


@pytest.mark.parametrize("path", ["/v2/models/digits", "/v2/models/digits/versions/{}"])
def test_metadata_have_the_inputs_and_outputs(client: FlaskClient, path: str) -> None:
    """With and without the version, the metadata have the name, datatype and shape of each tensor."""
    version = client.get("/model").get_json()["version"]
    about = client.get(path.format(version)).get_json()
    assert (about["name"], about["versions"], about["platform"]) == ("digits", [version], "numpy_npz")
    assert {entry["name"]: (entry["datatype"], entry["shape"]) for entry in about["inputs"]} == {
        "image": ("UINT8", [-1, 784]),
        "png": ("BYTES", [-1]),
    }
    assert {entry["name"]: (entry["datatype"], entry["shape"]) for entry in about["outputs"]} == {
        "probabilities": ("FP32", [-1, 10]),
        "digit": ("INT64", [-1]),
        "abstained": ("BOOL", [-1]),
    }


def test_health_has_both_live_and_ready(client: FlaskClient) -> None:
    """Liveness and readiness are also in the bodies, for clients that read only those."""
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert client.get(path).get_json() == {"live": True, "ready": True}
    assert client.get("/v2/models/digits/ready").get_json() == {"name": "digits", "ready": True}


def test_without_a_model_the_service_is_live_and_not_ready(tmp_path: Any) -> None:  # noqa: ANN401 - pytest's path
    """Without a model, readiness and inference are 503 with the reason, and liveness is 200."""
    client = create_app(Settings(model=tmp_path / "none.npz")).test_client()
    assert client.get("/v2/health/live").get_json() == {"live": True, "ready": False}
    for path in ("/v2/health/ready", "/v2/models/digits/ready", "/v2/models/digits/versions/1/ready"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.get_json()["ready"] is False
        assert "none.npz" in answer.get_json()["error"]
    answer = client.post(INFER, json={})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "none.npz" in answer.get_json()["error"]


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("datatype", ["UINT8", "FP32"])
@pytest.mark.parametrize("side", [(784,), (28, 28)])
def test_images_are_read_as_predict_reads_them(
    client: FlaskClient,
    mnist_500: Examples,
    expected: list[dict[str, Any]],
    side: tuple[int, ...],
    datatype: str,
    *,
    flat: bool,
) -> None:
    """UINT8 or FP32, (784,) or (28, 28), flat or nested: the outputs are those of /predict."""
    images = mnist_500.images[:5]
    values = images if datatype == "UINT8" else preprocess(images)
    given = image_input(values.reshape(5, *side), datatype)
    if flat:
        given["data"] = values.ravel().tolist()
    document = infer(client, {"id": "mine", "inputs": [given]})
    assert (document["id"], document["model_name"]) == ("mine", "digits")
    assert document["model_version"] == expected[0]["model"]["version"]
    found = outputs(document)
    assert found["digit"] == [answer["digit"] for answer in expected]
    assert found["abstained"] == [answer["abstained"] for answer in expected]
    p = np.reshape(found["probabilities"], (5, 10))
    assert p == pytest.approx(np.array([answer["probabilities"] for answer in expected]), abs=1e-6)


def test_pngs_are_read_as_predict_reads_them(client: FlaskClient, seven: bytes) -> None:
    """PNG files in base64 are preprocessed as those that are posted to /predict."""
    data = [base64.b64encode(seven).decode()] * 2
    document = infer(client, {"inputs": [{"name": "png", "datatype": "BYTES", "shape": [2], "data": data}]})
    answer = client.post("/predict", data=seven, content_type="image/png").get_json()
    found = outputs(document)
    assert found["digit"] == [answer["digit"]] * 2
    assert np.reshape(found["probabilities"], (2, 10))[1] == pytest.approx(answer["probabilities"], abs=1e-6)


def test_only_the_requested_outputs_are_returned(client: FlaskClient, mnist_500: Examples) -> None:
    """The response has the named outputs in that order, and an id if the request has none."""
    # JSON's 2.0 is 2.
    asked = [{"name": "abstained"}, {"name": "probabilities", "parameters": {"classification": 2.0}}]
    document = infer(client, {"inputs": [image_input(mnist_500.images[:3])], "outputs": asked})
    assert document["id"]
    first, second = document["outputs"]
    assert (first["name"], first["datatype"], first["shape"]) == ("abstained", "BOOL", [3])
    assert (second["name"], second["datatype"], second["shape"]) == ("probabilities", "BYTES", [3, 2])
    likeliest, next_ = (text.split(":") for text in second["data"][:2])
    assert likeliest[1] == str(mnist_500.labels[0])
    assert float(likeliest[0]) >= float(next_[0])


def test_binary_data_after_the_json_is_read_and_written(
    client: FlaskClient, mnist_500: Examples, expected: list[dict[str, Any]]
) -> None:
    """binary_tensor_data: an output is binary data or JSON, as its own parameter or the request's says."""
    data = mnist_500.images[:5].tobytes()
    given = {"name": "image", "datatype": "UINT8", "shape": [5, 784]}
    head = {
        "parameters": {"binary_data_output": True},
        "inputs": [given | {"parameters": {"binary_data_size": len(data)}}],
        "outputs": [{"name": "probabilities"}, {"name": "digit", "parameters": {"binary_data": False}}],
    }
    text = json.dumps(head).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    answer = client.post(INFER, data=text + data, headers=headers, content_type="application/octet-stream")
    assert (answer.status_code, answer.content_type) == (200, "application/octet-stream"), answer.text
    size = int(answer.headers["Inference-Header-Content-Length"])
    p, digit = json.loads(answer.data[:size])["outputs"]
    assert (p["parameters"], "data" in p) == ({"binary_data_size": 200}, False)
    assert digit["data"] == [entry["digit"] for entry in expected]
    assert np.frombuffer(answer.data[size:], "<f4").reshape(5, 10) == pytest.approx(
        np.array([entry["probabilities"] for entry in expected]), abs=1e-6
    )


def test_a_body_of_binary_data_only_is_images(client: FlaskClient, mnist_500: Examples) -> None:
    """With a JSON length of 0, the body is uint8 images, one after the other."""
    headers = {"Inference-Header-Content-Length": "0"}
    answer = client.post(INFER, data=mnist_500.images[:3].tobytes(), headers=headers)
    assert outputs(answer.get_json())["digit"] == mnist_500.labels[:3].tolist()


def test_an_inference_is_counted_as_a_prediction_is(client: FlaskClient, mnist_500: Examples) -> None:
    """The metrics count an inference under its route's rule, its images and digits, and refusals."""

    def count(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    names = (
        'digits_request_duration_seconds_count{method="POST",route="/v2/models/<name>/infer",status="200"}',
        "digits_predictions_total",
        "digits_images_per_request_sum",
        'digits_rejected_images_total{reason="bad_inference"}',
    )
    before = [count(name) for name in names]
    infer(client, {"inputs": [image_input(mnist_500.images[:4])]})
    assert client.post(INFER, json={}).status_code == 400
    assert [count(name) - was for name, was in zip(names, before, strict=True)] == [1, 4, 4, 1]
