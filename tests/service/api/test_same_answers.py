"""A batch through any door is its images one by one: same digits, same probabilities to 1e-6, same order."""

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
# Pictures of digits: the digit's place in the file, whether it is dark on light, and how large it is.
PICTURES = st.lists(st.tuples(st.integers(0, 499), st.booleans(), st.integers(1, 3)), min_size=1, max_size=12)


class Said(NamedTuple):
    """What was said of one image."""

    digit: int
    abstained: bool
    probabilities: list[float]


class Single(NamedTuple):
    """One image, what the network saw of it, uint8 (784,), and what POST /predict says of it alone."""

    png: bytes
    seen: bytes
    said: Said


@cache
def digits() -> Any:  # noqa: ANN401 - an array
    """Return the test images."""
    with np.load(DATA / "mnist_500.npz") as archive:
        return archive["images"]


def said(answer: dict[str, Any]) -> Said:
    """Return what an answer of POST /predict says."""
    return Said(answer["digit"], answer["abstained"], answer["probabilities"])


class Doors:
    """All ways into the running service, and one past it."""

    def __init__(self, server: Server) -> None:
        """Connect."""
        self.url = f"http://127.0.0.1:{server.port}"
        self.connection: HTTPConnection = server.connect()
        self.client = DigitsClient(self.url)
        self.singles: dict[tuple[int, bool, int], Single] = {}

    def single(self, picture: tuple[int, bool, int]) -> Single:
        """Ask about an image alone; once, for it does not change."""
        if picture not in self.singles:
            index, dark, size = picture
            image = digits()[index].repeat(size, 0).repeat(size, 1)
            png = png_of(~image if dark else image)
            status, answer = post_png(self.connection, png, "/predict?receipt=1")
            assert status == 200
            seen = np.rint(255 * np.array(answer["receipt"]["pixels"])).astype(np.uint8)
            self.singles[picture] = Single(png, seen.tobytes(), said(answer))
        return self.singles[picture]

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[bytes, int | None]:
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        size = answer.headers["Inference-Header-Content-Length"]
        return text, int(size) if size else None

    def form(self, batch: list[Single]) -> list[Said]:
        """POST /predict with a form."""
        parts = [
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.png"\r\n\r\n' + one.png + b"\r\n"
            for one in batch
        ]
        body = b"".join([*parts, b"--x--\r\n"])
        text, _ = self._post("/predict", body, {"Content-Type": "multipart/form-data; boundary=x"})
        document = json.loads(text)
        return [said(answer) for answer in document.get("predictions", [document])]

    def _numbers(self, tensor: dict[str, Any]) -> list[Said]:
        text, _ = self._post(INFER, json.dumps({"inputs": [tensor]}).encode(), {})
        found = {output["name"]: output["data"] for output in json.loads(text)["outputs"]}
        p = np.reshape(found["probabilities"], (-1, 10)).tolist()
        return [Said(*one) for one in zip(found["digit"], found["abstained"], p, strict=True)]

    def v2_json(self, batch: list[Single]) -> list[Said]:
        """POST /v2/…/infer with what the network sees, as numbers."""
        data = [list(one.seen) for one in batch]
        shape = [len(batch), 784]
        return self._numbers({"name": "image", "datatype": "UINT8", "shape": shape, "data": data})

    def v2_png(self, batch: list[Single]) -> list[Said]:
        """POST /v2/…/infer with files in base64."""
        data = [base64.b64encode(one.png).decode() for one in batch]
        return self._numbers({"name": "png", "datatype": "BYTES", "shape": [len(batch)], "data": data})

    def v2_binary(self, batch: list[Single]) -> list[Said]:
        """POST /v2/…/infer with bytes, answered in bytes."""
        body = b"".join(one.seen for one in batch)
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
        return [Said(*one) for one in zip(*rows, strict=True)]

    def python_client(self, batch: list[Single]) -> list[Said]:
        """Our own client."""
        found = list(self.client.predict_many(one.png for one in batch))
        return [
            Said(one.digit, one.abstained, list(one.probabilities))
            for one in found
            if isinstance(one, Prediction)
        ]

    def command_line(self, batch: list[Single]) -> list[Said]:
        """Read files without a server."""
        with TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{index}.png" for index in range(len(batch))]
            for path, one in zip(paths, batch, strict=True):
                path.write_bytes(one.png)
            command = [sys.executable, "-m", "service", "predict", "--format", "jsonl", *map(str, paths)]
            run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        return [said(json.loads(line)) for line in run.stdout.splitlines()]


@pytest.fixture(scope="module")
def doors(server: Server) -> Iterator[Doors]:
    """All doors of the running service."""
    opened = Doors(server)
    yield opened
    opened.connection.close()
    opened.client.close()


@pytest.mark.parametrize("door", ["form", "v2_json", "v2_binary", "v2_png", "python_client", "command_line"])
def test_a_batch_is_its_images_one_by_one(doors: Doors, door: str) -> None:
    """Whatever images come together, in whatever order and number, each is answered as it is alone."""

    @settings(
        max_examples=4 if door == "command_line" else 30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(PICTURES)
    def check(pictures: list[tuple[int, bool, int]]) -> None:
        batch = [doors.single(picture) for picture in pictures]
        found = getattr(doors, door)(batch)
        assert [one[:2] for one in found] == [single.said[:2] for single in batch]
        for one, single in zip(found, batch, strict=True):
            assert one.probabilities == pytest.approx(single.said.probabilities, abs=1e-6)

    check()
