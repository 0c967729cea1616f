"""Every interface gives a batch the predictions of its images alone: digits, probabilities to 1e-6, order."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.client import DigitsClient, Prediction
from tests.conftest import DATA
from tests.parity import png_of
from tests.server import ROOT, Server, post_png

INFER = "/v2/models/digits/infer"
# Images of digits: the index in the file, whether it is dark on light, and the scale.
PICTURES = st.lists(st.tuples(st.integers(0, 499), st.booleans(), st.integers(1, 3)), min_size=1, max_size=12)


class Outcome(NamedTuple):
    """The prediction of one image, in the form that all interfaces share."""

    digit: int
    abstained: bool
    probabilities: list[float]


class Single(NamedTuple):
    """One image, the 784 pixels of the network's input, uint8, and its outcome when posted alone."""

    png: bytes
    pixels: bytes
    outcome: Outcome


@cache
def digits() -> Any:  # noqa: ANN401 - an array
    """Return the test images."""
    with np.load(DATA / "mnist_500.npz") as archive:
        return archive["images"]


def outcome_of(answer: dict[str, Any]) -> Outcome:
    """Return the outcome in a response of POST /predict."""
    return Outcome(answer["digit"], answer["abstained"], answer["probabilities"])


class Interfaces:
    """The interfaces of the running service, and the command line, which needs no service."""

    def __init__(self, server: Server) -> None:
        """Connect to the service."""
        self.url = f"http://127.0.0.1:{server.port}"
        self.connection: HTTPConnection = server.connect()
        self.client = DigitsClient(self.url)
        self.singles: dict[tuple[int, bool, int], Single] = {}

    def single(self, picture: tuple[int, bool, int]) -> Single:
        """Return the outcome for an image alone; it is requested once."""
        if picture not in self.singles:
            index, dark, size = picture
            image = digits()[index].repeat(size, 0).repeat(size, 1)
            png = png_of(~image if dark else image)
            status, answer = post_png(self.connection, png, "/predict?receipt=1")
            assert status == 200
            pixels = np.rint(255 * np.array(answer["receipt"]["pixels"])).astype(np.uint8)
            self.singles[picture] = Single(png, pixels.tobytes(), outcome_of(answer))
        return self.singles[picture]

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[bytes, int | None]:
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        size = answer.headers["Inference-Header-Content-Length"]
        return text, int(size) if size else None

    def form(self, batch: list[Single]) -> list[Outcome]:
        """POST /predict with a form."""
        parts = [
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.png"\r\n\r\n' + one.png + b"\r\n"
            for one in batch
        ]
        body = b"".join([*parts, b"--x--\r\n"])
        text, _ = self._post("/predict", body, {"Content-Type": "multipart/form-data; boundary=x"})
        document = json.loads(text)
        return [outcome_of(answer) for answer in document.get("predictions", [document])]

    def _numbers(self, tensor: dict[str, Any]) -> list[Outcome]:
        text, _ = self._post(INFER, json.dumps({"inputs": [tensor]}).encode(), {})
        found = {output["name"]: output["data"] for output in json.loads(text)["outputs"]}
        p = np.reshape(found["probabilities"], (-1, 10)).tolist()
        return [Outcome(*one) for one in zip(found["digit"], found["abstained"], p, strict=True)]

    def v2_json(self, batch: list[Single]) -> list[Outcome]:
        """POST /v2/…/infer with the network's input as numbers."""
        data = [list(one.pixels) for one in batch]
        shape = [len(batch), 784]
        return self._numbers({"name": "image", "datatype": "UINT8", "shape": shape, "data": data})

    def v2_png(self, batch: list[Single]) -> list[Outcome]:
        """POST /v2/…/infer with PNG files in base64."""
        data = [base64.b64encode(one.png).decode() for one in batch]
        return self._numbers({"name": "png", "datatype": "BYTES", "shape": [len(batch)], "data": data})

    def v2_binary(self, batch: list[Single]) -> list[Outcome]:
        """POST /v2/…/infer with binary data, and get binary data."""
        body = b"".join(one.pixels for one in batch)
        size = {"binary_data_size": len(body)}
        tensor = {"name": "image", "datatype": "UINT8", "shape": [len(batch), 784], "parameters": size}
        head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
        text, json_bytes = self._post(INFER, head + body, {"Inference-Header-Content-Length": str(len(head))})
        rest = text[json_bytes:]
        p, digit, abstained = np.split(np.frombuffer(rest, np.uint8), [40 * len(batch), 48 * len(batch)])
        rows = (
            digit.view("<i8").tolist(),
            abstained.view("?").tolist(),
            p.view("<f4").reshape(-1, 10).tolist(),
        )
        return [Outcome(*one) for one in zip(*rows, strict=True)]

    def python_client(self, batch: list[Single]) -> list[Outcome]:
        """Use the Python client."""
        found = list(self.client.predict_many(one.png for one in batch))
        return [
            Outcome(one.digit, one.abstained, list(one.probabilities))
            for one in found
            if isinstance(one, Prediction)
        ]

    def command_line(self, batch: list[Single]) -> list[Outcome]:
        """Use the command line, without a server."""
        with TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{index}.png" for index in range(len(batch))]
            for path, one in zip(paths, batch, strict=True):
                path.write_bytes(one.png)
            command = [sys.executable, "-m", "service", "predict", "--format", "jsonl", *map(str, paths)]
            run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        return [outcome_of(json.loads(line)) for line in run.stdout.splitlines()]


@pytest.fixture(scope="module")
def interfaces(server: Server) -> Iterator[Interfaces]:
    """All interfaces of the running service."""
    opened = Interfaces(server)
    yield opened
    opened.connection.close()
    opened.client.close()


@pytest.mark.parametrize(
    "interface", ["form", "v2_json", "v2_binary", "v2_png", "python_client", "command_line"]
)
def test_a_batch_is_its_images_one_by_one(interfaces: Interfaces, interface: str) -> None:
    """In a batch of any images, in any order and number, each has the outcome that it has alone."""

    @settings(
        max_examples=4 if interface == "command_line" else 30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(PICTURES)
    def check(pictures: list[tuple[int, bool, int]]) -> None:
        batch = [interfaces.single(picture) for picture in pictures]
        found = getattr(interfaces, interface)(batch)
        assert [one[:2] for one in found] == [single.outcome[:2] for single in batch]
        for one, single in zip(found, batch, strict=True):
            assert one.probabilities == pytest.approx(single.outcome.probabilities, abs=1e-6)

    check()
