"""What is asked: good and bad, small and large, quick and slow, each with what may answer it.

The digits are those that the network reads offline: an answer with another one is wrong.
"""

import random
from collections.abc import Callable, Collection, Iterator
from functools import cache
from itertools import count, cycle
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.accuracy import rendering
from benchmarks.serving.bodies import as_form, as_png, read_images
from benchmarks.torture.client import Ask
from models.network import predict
from models.preprocessing import preprocess
from models.store import load
from service.settings import DEFAULT_MODEL
from tests.deploy.traffic import BLANK

FORM = "multipart/form-data; boundary=----WebKitFormBoundaryDigits0123456789"
FORM_FILES = 64
PHOTO_SIDES = (600, 2400)
# How often each kind is among the others.
MIX = {
    "digit": 40,
    "drawing": 14,
    "photo": 2,
    "form": 6,
    "receipt": 2,
    "cut png": 5,
    "no png": 5,
    "blank": 4,
    "empty": 3,
    "broken form": 3,
    "wrong type": 3,
    "huge size": 2,
    "no route": 3,
    "wrong method": 2,
    "no http": 2,
    "two lengths": 2,
    "long head": 1,
    "chunked": 2,
    "slow": 2,
    "closing": 2,
    "healthz": 4,
    "readyz": 2,
    "page": 2,
    "model": 1,
    "metrics": 1,
}


def get(path: str) -> bytes:
    """Write a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: digits\r\n\r\n".encode()


def post(body: bytes, content_type: str = "image/png", path: str = "/predict", fields: str = "") -> bytes:
    """Write a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: digits\r\nContent-Type: {content_type}\r\n{fields}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def digits() -> list[Ask]:
    """Return predictions of MNIST images, each with the digit that the network reads in it."""
    images = read_images()
    read = predict(load(DEFAULT_MODEL).network, preprocess(images)).tolist()
    return [
        Ask("digit", post(as_png(image)), frozenset({200}), b'"digit": %d,' % digit)
        for image, digit in zip(images, read, strict=True)
    ]


def forms() -> list[Ask]:
    """Return predictions of many images at once: dear to answer, and cheap to ask for."""
    good = digits()
    pngs = [each.data.partition(b"\r\n\r\n")[2] for each in good]
    return [
        Ask(
            "form", post(as_form(pngs[at : at + FORM_FILES], "files"), FORM), frozenset({200}), good[at].holds
        )
        for at in range(0, len(good) - FORM_FILES + 1, 4)
    ]


def only(asks: list[Ask]) -> Iterator[Ask]:
    """Ask these in turn, for ever."""
    return cycle(asks)


def mixed(*, without: Collection[str] = (), seed: int = 0) -> Iterator[Ask]:
    """Return asks of all kinds but those, without end, as often as MIX says."""
    rng = random.Random(seed)  # noqa: S311 - a mix, no secret
    kinds = all_kinds()
    names = [name for name in MIX if name not in without]
    weights = [MIX[name] for name in names]
    return (rng.choice(kinds[rng.choices(names, weights)[0]]) for _ in count())


@cache
def all_kinds() -> dict[str, list[Ask]]:
    """Return the asks of each kind."""
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
        "drawing": [_ask("drawing", post(rendering.png(each)), 200) for each in drawings],
        # A worker has room for two of the largest bodies: more are turned away, which is right.
        "photo": [_ask("photo", post(rendering.png(each)), 200, 503) for each in photos],
        "form": [
            _ask("form", post(as_form(pngs[at : at + size], "files"), FORM), 200, 503)
            for at, size in ((0, 2), (10, 16), (20, 64), (0, 100))
        ],
        "receipt": [
            _ask("receipt", post(pngs[0], path="/predict?receipt=1&activations=1&explain=answer"), 200)
        ],
        "cut png": [
            _ask("cut png", post(png[: len(png) * part // 9]), 400, 415)
            for part in range(1, 9)
            for png in pngs[:4]
        ],
        "no png": [
            _ask("no png", post(bytes(each)), 415) for each in (b"GIF89a", range(256), b"\x00" * 5000)
        ],
        "blank": [_ask("blank", post(BLANK), 422)],
        "empty": [_ask("empty", post(b""), 400), _ask("empty", post(b"", FORM), 400)],
        "broken form": [
            _ask("broken form", post(as_form(pngs[:3])[:-at], FORM), 200, 400) for at in (5, 60, 300)
        ],
        "wrong type": [
            _ask("wrong type", post(b"{}", each), 415)
            for each in ("application/json", "text/html", "image/jpeg")
        ],
        "huge size": [
            _ask("huge size", post(b"").replace(b"Content-Length: 0", b"Content-Length: 99999999"), 413),
        ],
        "no route": [
            _ask("no route", get(each), 404) for each in ("/nothing", "/predict/", "/..%2f..%2fetc/passwd")
        ],
        "wrong method": [
            _ask("wrong method", get("/predict"), 405),
            _ask("wrong method", post(b"", path="/healthz"), 405),
        ],
        "no http": [
            _ask("no http", each, 400, 431)
            for each in (
                b"nonsense\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
            )
        ],
        "two lengths": [_ask("two lengths", post(b"12", fields=two), 400)],
        "long head": [
            _ask("long head", get("/").replace(b"Host", b"X: " + b"a" * 40_000 + b"\r\nHost"), 431)
        ],
        "chunked": [
            _ask(
                "chunked",
                post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
                411,
            )
        ],
        "slow": [each._replace(kind="slow", pieces=20) for each in good[:20]],
        "closing": [_ask("closing", get("/healthz").replace(b"Host", b"Connection: close\r\nHost"), 200)],
        "healthz": [_ask("healthz", get("/healthz"), 200)],
        "readyz": [_ask("readyz", get("/readyz"), 200)],
        "page": [_ask("page", get("/"), 200)],
        "model": [_ask("model", get("/model"), 200)],
        "metrics": [_ask("metrics", get("/metrics"), 200)],
    }


def _ask(kind: str, data: bytes, *statuses: int) -> Ask:
    return Ask(kind, data, frozenset(statuses))


def _drawn(kinds: list[Callable[..., Any]], rng: np.random.Generator, number: int) -> list[Image.Image]:
    images = read_images()
    return [kinds[at % len(kinds)](images[at], rng) for at in range(number)]


def _large(image: Image.Image, side: int) -> Image.Image:
    return image.resize((side, side))
