"""The requests that are sent: valid and invalid, small and large, fast and slow, with their correct statuses.

The expected digits are those that the network reads offline: a response with another digit is wrong.
"""

import random
from collections.abc import Callable, Collection, Iterator
from functools import cache
from itertools import count
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.accuracy import rendering
from benchmarks.serving.payloads import as_form, as_png, read_images
from benchmarks.torture.client import Request
from models.network import predict
from models.preprocessing import preprocess
from models.store import load
from service.settings import DEFAULT_MODEL
from tests.deploy.traffic import BLANK

FORM = "multipart/form-data; boundary=----WebKitFormBoundaryDigits0123456789"
FORM_FILES = 64
PHOTO_SIDES = (600, 2400)
# The relative frequency of each kind.
MIX = {
    "digit": 40,
    "drawing": 14,
    "photo": 2,
    "form": 6,
    "receipt": 2,
    "cut png": 5,
    "not a png": 5,
    "blank": 4,
    "empty": 3,
    "broken form": 3,
    "wrong type": 3,
    "too large": 2,
    "unknown path": 3,
    "wrong method": 2,
    "not http": 2,
    "two lengths": 2,
    "long head": 1,
    "chunked": 2,
    "slow": 2,
    "connection: close": 2,
    "healthz": 4,
    "readyz": 2,
    "page": 2,
    "model": 1,
    "metrics": 1,
}


def get(path: str) -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: digits\r\n\r\n".encode()


def post(body: bytes, content_type: str = "image/png", path: str = "/predict", fields: str = "") -> bytes:
    """Return a POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: digits\r\nContent-Type: {content_type}\r\n{fields}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def digits() -> list[Request]:
    """Return predictions of MNIST images, each with the digit that the network reads offline."""
    images = read_images()
    read = predict(load(DEFAULT_MODEL).network, preprocess(images)).tolist()
    return [
        Request("digit", post(as_png(image)), frozenset({200}), b'"digit": %d,' % digit)
        for image, digit in zip(images, read, strict=True)
    ]


def forms() -> list[Request]:
    """Return predictions of many images each: expensive to answer, and cheap to send."""
    good = digits()
    pngs = [each.data.partition(b"\r\n\r\n")[2] for each in good]
    return [
        Request(
            "form",
            post(as_form(pngs[at : at + FORM_FILES], "files"), FORM),
            frozenset({200}),
            good[at].contains,
        )
        for at in range(0, len(good) - FORM_FILES + 1, 4)
    ]


def mixed(*, without: Collection[str] = (), seed: int = 0) -> Iterator[Request]:
    """Return an endless mix of requests of all kinds except those in `without`, as frequent as MIX says."""
    rng = random.Random(seed)  # noqa: S311 - a mix, no secret
    kinds = all_kinds()
    names = [name for name in MIX if name not in without]
    weights = [MIX[name] for name in names]
    return (rng.choice(kinds[rng.choices(names, weights)[0]]) for _ in count())


@cache
def all_kinds() -> dict[str, list[Request]]:
    """Return the requests of each kind."""
    good, images, rng = digits(), read_images(), np.random.default_rng(0)
    pngs = [as_png(image) for image in images]
    drawings = _drawn([rendering.pen, rendering.marker, rendering.hairline, rendering.transparent], rng, 8)
    photos = [
        _large(each, side)
        for each, side in zip(_drawn([rendering.photo], rng, 4), (*PHOTO_SIDES, 1200, 1800), strict=True)
    ]
    two = "Content-Length: 1\r\n"
    return {
        "digit": good,
        "drawing": [_request("drawing", post(rendering.png(each)), 200) for each in drawings],
        # A worker has memory for two of the largest bodies; it correctly rejects more with 503.
        "photo": [_request("photo", post(rendering.png(each)), 200, 503) for each in photos],
        "form": [
            _request("form", post(as_form(pngs[at : at + size], "files"), FORM), 200, 503)
            for at, size in ((0, 2), (10, 16), (20, 64), (0, 100))
        ],
        "receipt": [
            _request("receipt", post(pngs[0], path="/predict?receipt=1&activations=1&explain=answer"), 200)
        ],
        "cut png": [
            _request("cut png", post(png[: len(png) * part // 9]), 400, 415)
            for part in range(1, 9)
            for png in pngs[:4]
        ],
        "not a png": [
            _request("not a png", post(bytes(each)), 415) for each in (b"GIF89a", range(256), b"\x00" * 5000)
        ],
        "blank": [_request("blank", post(BLANK), 422)],
        "empty": [_request("empty", post(b""), 400), _request("empty", post(b"", FORM), 400)],
        "broken form": [
            _request("broken form", post(as_form(pngs[:3])[:-at], FORM), 200, 400) for at in (5, 60, 300)
        ],
        "wrong type": [
            _request("wrong type", post(b"{}", each), 415)
            for each in ("application/json", "text/html", "image/jpeg")
        ],
        "too large": [
            _request("too large", post(b"").replace(b"Content-Length: 0", b"Content-Length: 99999999"), 413),
        ],
        "unknown path": [
            _request("unknown path", get(each), 404)
            for each in ("/nothing", "/predict/", "/..%2f..%2fetc/passwd")
        ],
        "wrong method": [
            _request("wrong method", get("/predict"), 405),
            _request("wrong method", post(b"", path="/healthz"), 405),
        ],
        "not http": [
            _request("not http", each, 400, 431)
            for each in (
                b"nonsense\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
            )
        ],
        "two lengths": [_request("two lengths", post(b"12", fields=two), 400)],
        "long head": [
            _request("long head", get("/").replace(b"Host", b"X: " + b"a" * 40_000 + b"\r\nHost"), 431)
        ],
        "chunked": [
            _request(
                "chunked",
                post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
                411,
            )
        ],
        "slow": [each._replace(kind="slow", pieces=20) for each in good[:20]],
        "connection: close": [
            _request("connection: close", get("/healthz").replace(b"Host", b"Connection: close\r\nHost"), 200)
        ],
        "healthz": [_request("healthz", get("/healthz"), 200)],
        "readyz": [_request("readyz", get("/readyz"), 200)],
        "page": [_request("page", get("/"), 200)],
        "model": [_request("model", get("/model"), 200)],
        "metrics": [_request("metrics", get("/metrics"), 200)],
    }


def _request(kind: str, data: bytes, *statuses: int) -> Request:
    return Request(kind, data, frozenset(statuses))


def _drawn(kinds: list[Callable[..., Any]], rng: np.random.Generator, number: int) -> list[Image.Image]:
    images = read_images()
    return [kinds[at % len(kinds)](images[at], rng) for at in range(number)]


def _large(image: Image.Image, side: int) -> Image.Image:
    return image.resize((side, side))
