"""Independent clients of the Open Inference Protocol work: NVIDIA's for Triton, and KServe's."""

import base64
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from tests.needs import skip
from tests.parity import png_of
from tests.server import ROOT, Server, post_png
from training.data import Examples

# KServe's client needs some seventy packages, some in other versions than this project.
KSERVE_PYTHON = ROOT / ".venv" / "kserve" / "bin" / "python"
COUNT = 4


@pytest.fixture
def inference(server: Server) -> Iterator[triton.InferenceServerClient]:
    """Triton's client, connected to the running service."""
    client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def pngs(mnist_500: Examples) -> list[bytes]:
    """A few digits as PNG files."""
    return [png_of(image) for image in mnist_500.images[:COUNT]]


@pytest.fixture(scope="session")
def predicted(server: Server, pngs: list[bytes]) -> list[dict[str, Any]]:
    """The predictions of POST /predict for them."""
    connection = server.connect()
    answers = [post_png(connection, png)[1] for png in pngs]
    connection.close()
    return answers


def assert_as_predicted(result: Any, predicted: list[dict[str, Any]]) -> None:  # noqa: ANN401 - untyped client
    """Compare all three outputs with the predictions of /predict."""
    assert result.as_numpy("digit").tolist() == [answer["digit"] for answer in predicted]
    assert result.as_numpy("abstained").tolist() == [answer["abstained"] for answer in predicted]
    p = np.array([answer["probabilities"] for answer in predicted])
    assert result.as_numpy("probabilities") == pytest.approx(p, abs=1e-6)


def image_input(images: npt.NDArray[Any], datatype: str, *, binary: bool = True) -> triton.InferInput:
    """Return Triton's form of the input `image`."""
    tensor = triton.InferInput("image", list(images.shape), datatype)
    tensor.set_data_from_numpy(images, binary_data=binary)
    return tensor


def test_triton_finds_everything_ready(inference: triton.InferenceServerClient) -> None:
    """Triton's client finds the service live and ready, and reads its metadata."""
    assert inference.is_server_live()
    assert inference.is_server_ready()
    assert inference.is_model_ready("digits")
    assert "binary_tensor_data" in inference.get_server_metadata()["extensions"]
    about = inference.get_model_metadata("digits")
    assert inference.get_model_metadata("digits", about["versions"][0]) == about
    assert not inference.is_model_ready("letters")


@pytest.mark.parametrize("datatype", ["UINT8", "FP32"])
@pytest.mark.parametrize("square", [False, True])
def test_triton_with_its_defaults(
    inference: triton.InferenceServerClient,
    mnist_500: Examples,
    predicted: list[dict[str, Any]],
    datatype: str,
    *,
    square: bool,
) -> None:
    """With its defaults, the client sends and gets binary data."""
    images = mnist_500.images[:COUNT] if square else mnist_500.images[:COUNT].reshape(COUNT, 784)
    values = images if datatype == "UINT8" else (images / 255).astype(np.float32)
    result = inference.infer("digits", [image_input(values, datatype)], request_id="mine")
    assert_as_predicted(result, predicted)
    assert result.get_response()["id"] == "mine"
    assert result.get_output("digit")["parameters"] == {"binary_data_size": 8 * COUNT}


def test_triton_with_json(
    inference: triton.InferenceServerClient, mnist_500: Examples, predicted: list[dict[str, Any]]
) -> None:
    """The client can send and get JSON instead."""
    names = ("abstained", "digit", "probabilities")
    result = inference.infer(
        "digits",
        [image_input(mnist_500.images[:COUNT], "UINT8", binary=False)],
        outputs=[triton.InferRequestedOutput(name, binary_data=False) for name in names],
    )
    assert_as_predicted(result, predicted)
    assert [output["name"] for output in result.get_response()["outputs"]] == list(names)


@pytest.mark.parametrize("binary", [False, True])
def test_triton_with_classification(
    inference: triton.InferenceServerClient,
    mnist_500: Examples,
    predicted: list[dict[str, Any]],
    *,
    binary: bool,
) -> None:
    """class_count=3 gives the three most probable classes of each image, best first."""
    asked = triton.InferRequestedOutput("probabilities", binary_data=binary, class_count=3)
    result = inference.infer(
        "digits", [image_input(mnist_500.images[:COUNT], "UINT8")], outputs=[asked]
    ).as_numpy("probabilities")
    assert result.shape == (COUNT, 3)
    for texts, answer in zip(result, predicted, strict=True):
        pairs = [(text.decode() if isinstance(text, bytes) else text).split(":") for text in texts]
        digits = [int(digit) for _, digit in pairs]
        assert digits[0] == answer["digit"]
        assert [float(p) for p, _ in pairs] == pytest.approx(
            [answer["probabilities"][digit] for digit in digits], abs=1e-6
        )


@pytest.mark.parametrize("binary", [False, True])
def test_triton_with_pngs(
    inference: triton.InferenceServerClient,
    pngs: list[bytes],
    predicted: list[dict[str, Any]],
    *,
    binary: bool,
) -> None:
    """PNG files can be sent as binary data, or in base64 in JSON."""
    files = pngs if binary else [base64.b64encode(png) for png in pngs]
    tensor = triton.InferInput("png", [COUNT], "BYTES")
    tensor.set_data_from_numpy(np.array(files, object), binary_data=binary)
    assert_as_predicted(inference.infer("digits", [tensor]), predicted)


def test_triton_reads_the_errors(inference: triton.InferenceServerClient, mnist_500: Examples) -> None:
    """The sentence of an error is the message of the client's exception."""
    with pytest.raises(InferenceServerException, match="There is no model 'letters'"):
        inference.infer("letters", [image_input(mnist_500.images[:1], "UINT8")])
    with pytest.raises(InferenceServerException, match=r"must be \[N, 784\] or"):
        inference.infer("digits", [image_input(mnist_500.images[0], "UINT8")])


KSERVE = """
import asyncio, json, sys
import numpy as np
from kserve import InferInput, InferRequest
from kserve.inference_client import InferenceRESTClient, RESTConfig

async def ask(url, images):
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    ready = [await client.is_server_live(url), await client.is_server_ready(url),
             await client.is_model_ready(url, "digits")]
    found = []
    for binary in (False, True):
        tensor = InferInput("image", list(images.shape), "UINT8")
        tensor.set_data_from_numpy(images, binary_data=binary)
        answer = await client.infer(url, InferRequest("digits", [tensor]), model_name="digits")
        found.append({output.name: output.as_numpy().tolist() for output in answer.outputs})
    print(json.dumps([ready, found]))

asyncio.run(ask(sys.argv[1], np.array(json.loads(sys.argv[2]), np.uint8)))
"""


def test_kserve_reads_the_same_digits(
    server: Server, mnist_500: Examples, predicted: list[dict[str, Any]]
) -> None:
    """KServe's client finds the service live and ready, and gets the outputs of /predict, in both forms.

    It has no call for metadata; the test above with Triton's client covers them.
    """
    if not KSERVE_PYTHON.exists():
        skip("KServe's client is not installed: python -m venv .venv/kserve, with kserve==0.21.0")
    images = json.dumps(mnist_500.images[:COUNT].reshape(COUNT, 784).tolist())
    run = subprocess.run(
        [KSERVE_PYTHON, "-c", KSERVE, f"http://127.0.0.1:{server.port}", images],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    ready, found = json.loads(run.stdout.splitlines()[-1])
    assert ready == [True, True, True]
    for answer in found:
        assert answer["digit"] == [one["digit"] for one in predicted]
        assert answer["abstained"] == [one["abstained"] for one in predicted]
        p = np.array([one["probabilities"] for one in predicted])
        assert np.array(answer["probabilities"]) == pytest.approx(p, abs=1e-6)
