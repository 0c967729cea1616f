"""The API behind the network and explanation panels: layers, neurons, activations, explanations."""

from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.explain import relevance
from models.network import forward
from models.store import Model, load
from service.app import create_app
from service.settings import DEFAULT_MODEL, Settings


@pytest.fixture(scope="module")
def model() -> Model:
    """The model that ships."""
    return load(DEFAULT_MODEL)


def read(client: FlaskClient, png: bytes, query: str) -> Any:  # noqa: ANN401 - JSON
    """POST a PNG and return the document."""
    return client.post(f"/predict?{query}", data=png, content_type="image/png").get_json()


def test_the_layers_are_those_of_the_model(client: FlaskClient, model: Model) -> None:
    """Sizes, activations and thresholds, without the training's history."""
    document = client.get("/model/layers").get_json()
    assert document["layers"] == [
        {"inputs": layer.W.shape[0], "neurons": layer.W.shape[1], "activation": layer.activation}
        for layer in model.network
    ]
    assert document["temperature"] == model.metadata["temperature"]
    assert "history" not in document


@pytest.mark.parametrize(("layer", "neuron"), [(0, 3), (1, 499), (2, 7)])
def test_a_neuron_tells_its_parameters(client: FlaskClient, model: Model, layer: int, neuron: int) -> None:
    """Weights in and bias are its column of W and its b; weights out, its row of the next W."""
    document = client.get(f"/model/layers/{layer}/neurons/{neuron}").get_json()
    here = model.network[layer]
    np.testing.assert_allclose(document["weights_in"], here.W[:, neuron], atol=1e-7)
    assert document["bias"] == float(here.b[neuron])
    out = model.network[layer + 1].W[neuron] if layer < 2 else []
    np.testing.assert_allclose(document["weights_out"], out, atol=1e-7)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("3/neurons/0", "no layer '3': they are counted from 0 to 2"),
        ("x/neurons/0", "no layer 'x'"),
        ("-1/neurons/0", "no layer '-1'"),
        ("0/neurons/1024", "no neuron in layer 0 '1024': they are counted from 0 to 1023"),
        ("0/neurons/²", "no neuron in layer 0"),
    ],
)
def test_what_is_not_there_is_said(client: FlaskClient, path: str, words: str) -> None:
    """404 as problem details, with the range that would be right."""
    answer = client.get(f"/model/layers/{path}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert words in answer.get_json()["detail"]


def test_activations_come_with_their_weighted_sums(client: FlaskClient, seven: bytes, model: Model) -> None:
    """Each layer's z and a are those of the forward pass on the pixels of the receipt."""
    document = read(client, seven, "receipt=1&activations=1")
    activity = forward(model.network, np.array([document["receipt"]["pixels"]], np.float32))
    for name, expected in (("z", activity.z), ("activations", activity.a)):
        assert len(document[name]) == len(expected)
        for found, row in zip(document[name], expected, strict=True):
            np.testing.assert_allclose(found, row[0], atol=1e-4)


@pytest.mark.parametrize(("explain", "digit"), [("answer", 7), ("3", 3)])
def test_an_explanation_adds_up(
    client: FlaskClient, seven: bytes, model: Model, explain: str, digit: int
) -> None:
    """The pixels' parts are those of models.explain, and with the rest they make the logit."""
    document = read(client, seven, f"receipt=1&explain={explain}")
    found = document["explanation"]
    assert found["digit"] == digit
    activity = forward(model.network, np.array([document["receipt"]["pixels"]], np.float32))
    expected = relevance(model.network, activity, [digit])[0]
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4)
    assert abs(sum(found["relevance"]) + found["rest"] - activity.z[-1][0, digit]) < 1e-3


def test_each_image_of_a_form_has_its_own_explanation(client: FlaskClient, seven: bytes) -> None:
    """Two files, two explanations."""
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n\r\n' + seven + b"\r\n"
    body, kind = part * 2 + b"--b--\r\n", "multipart/form-data; boundary=b"
    answers = client.post("/predict?explain=1", data=body, content_type=kind).get_json()["predictions"]
    assert [answer["explanation"]["digit"] for answer in answers] == [1, 1]
    assert answers[0]["explanation"] == answers[1]["explanation"]


@pytest.mark.parametrize("explain", ["10", "", "seven", "-1", "²"])
def test_only_a_digit_can_be_explained(client: FlaskClient, seven: bytes, explain: str) -> None:
    """400 with what would be right."""
    document = read(client, seven, f"explain={explain}")
    assert document["status"] == 400
    assert "explain must be `answer` or one digit from 0 to 9" in document["detail"]


def test_nothing_else_changes(client: FlaskClient, seven: bytes) -> None:
    """Unasked, an answer has no z, activations or explanation."""
    assert not {"z", "activations", "explanation"} & set(read(client, seven, "receipt=1"))


def test_a_key_guards_the_inside(app: Flask) -> None:
    """With a key set, layers and neurons need it, as the model does."""
    assert app.extensions["digits"].settings.api_key == ""
    client = create_app(Settings(api_key="secret")).test_client()
    for path in ("/model/layers", "/model/layers/0/neurons/0"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"X-API-Key": "secret"}).status_code == 200
