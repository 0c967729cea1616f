"""Mixed traffic for a running service, and the values that its metrics must have afterwards."""

import http.client
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.server import Server

Pixels = npt.NDArray[np.uint8]
BOUNDARY = "digits"
PNG = "image/png"


def png(pixels: Pixels) -> bytes:
    """Encode pixels as a PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


NOISE = np.random.default_rng(5).integers(0, 256, (12, 28, 28), np.uint8)
BLANK = png(np.full((40, 40), 255, np.uint8))


def photo(digit: Pixels, side: int = 2000) -> bytes:
    """Return a PNG of a large digit in dark ink on unevenly lit paper."""
    large = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    paper = np.linspace(170, 240, side, dtype=np.float32)
    return png((paper * (1 - 0.8 * large / 255)).astype(np.uint8))


def form(files: list[bytes]) -> bytes:
    """Encode files as multipart/form-data."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'.encode()
    return b"".join(head + file + b"\r\n" for file in files) + f"--{BOUNDARY}--\r\n".encode()


@dataclass
class Sent:
    """The responses, counted by the tests themselves."""

    statuses: Counter[str] = field(default_factory=Counter)
    digits: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    confidences: list[float] = field(default_factory=list)
    abstained: int = 0
    images: int = 0

    def post(self, connection: http.client.HTTPConnection, body: bytes, kind: str, images: int = 1) -> None:
        """POST a body to /predict, and count the response."""
        connection.request("POST", "/predict", body, {"Content-Type": kind})
        answer = connection.getresponse()
        document = json.loads(answer.read())
        self.statuses[str(answer.status)] += 1
        self.images += images
        for entry in document.get("predictions", [document]):
            self.count(entry)

    def count(self, entry: dict[str, Any]) -> None:
        """Count the prediction or the problem of one image."""
        if "digit" in entry:
            self.digits[str(entry["digit"])] += 1
            self.confidences.append(entry["confidence"])
            self.abstained += entry["abstained"]
        else:
            self.reasons[entry["type"].rpartition(":")[2].replace("-", "_")] += 1

    @property
    def read(self) -> int:
        """The number of images that were read."""
        return self.digits.total()


def send(server: Server, digits: Pixels, sent: Sent) -> None:
    """Send digits, noise, a form, blank images, and bodies that are no PNG."""
    connection = server.connect()
    for image in (*digits, *NOISE):
        sent.post(connection, png(image), PNG)
    for _ in range(3):
        sent.post(connection, BLANK, PNG)
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    sent.post(connection, form([png(digits[0]), b"no PNG", BLANK, png(digits[1])]), kind, 4)
    # These two are refused before their images are counted.
    sent.post(connection, b"", PNG, 0)
    sent.post(connection, b"{}", "application/json", 0)
    connection.close()


def tell(server: Server, digit: Pixels, sent: Sent) -> None:
    """Send an image with a request id, and confirm the prediction as feedback."""
    connection, name = server.connect(), "told"
    connection.request("POST", "/predict", png(digit), {"Content-Type": PNG, "X-Request-Id": name})
    answer = connection.getresponse()
    document = json.loads(answer.read())
    sent.statuses[str(answer.status)] += 1
    sent.images += 1
    sent.count(document)
    connection.request("POST", "/feedback", json.dumps({"request": name, "digit": document["digit"]}))
    assert connection.getresponse().status == 204
    connection.close()
