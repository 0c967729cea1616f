"""Health, readiness and the model in service."""

from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from models.network import Layer
from models.store import save
from service.app import create_app
from service.settings import Settings


def test_a_ready_service(client: FlaskClient) -> None:
    """With weights that hold, it is live and ready, and tells about its model."""
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready"}
    model = client.get("/model").get_json()
    assert model["name"] == "digits"
    assert model["test"]["error"] <= 0.01
    assert model["activations"][-1] == "softmax"
    assert len(model["sha256"]) == 64


def tanh_network(path: Path) -> None:
    """Write weights that are whole, but give no probabilities."""
    layer = Layer(np.zeros((784, 10), np.float32), np.zeros(10, np.float32), "tanh")
    metadata = {"name": "digits", "version": "1", "temperature": 1.0, "set_threshold": 0.1}
    metadata["evidence_threshold"] = 0.7
    save(path, (layer,), metadata, np.zeros((1, 784), np.float32))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "there is no such file"),
        (lambda path: path.write_bytes(b"damaged"), "expected a whole .npz"),
        (tanh_network, "expected a softmax output, found tanh"),
    ],
    ids=["missing", "damaged", "another output"],
)
def test_a_refused_model_leaves_a_service_that_says_so(
    tmp_path: Path, seven: bytes, make: "type[Path]", words: str
) -> None:
    """Live but not ready: 503 with the reason and Retry-After, and no path of the machine."""
    path = tmp_path / "weights.npz"
    make(path)
    client = create_app(Settings(model=path)).test_client()
    assert client.get("/healthz").status_code == 200
    for answer in (
        client.get("/readyz"),
        client.get("/model"),
        client.post("/predict", data=seven, content_type="image/png"),
    ):
        assert answer.status_code == 503
        assert answer.content_type == "application/problem+json"
        assert words in answer.get_json()["detail"]
        assert "weights.npz" in answer.get_json()["detail"]
        assert str(tmp_path) not in answer.text
        assert int(answer.headers["Retry-After"]) > 0
