"""The request bodies: the same 100 images for every server, in each encoding that one of them takes.

multipart   multipart/form-data with one file, as browsers write it
raw         the PNG alone
v2          V2's JSON (MLServer): base64 in an input of datatype BYTES
json        base64 in a JSON object
batch       multipart/form-data with 64 files
"""

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

SAMPLES = Path(__file__).parents[2] / "tests" / "data" / "mnist_500.npz"
COUNT = 100
BATCH = 64
# The first image of each batch: several, so that the bytes differ from request to request.
BATCH_STARTS = (0, 12, 24, 36)
BOUNDARY = "----WebKitFormBoundaryDigits0123456789"
# wrk puts another value in its place in each request.
NEW_ID = "@a new identifier@"
# The fields that a browser adds to Host, Content-Type and Content-Length when a page posts an image.
BROWSER_FIELDS = {
    "Connection": "keep-alive",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9",
    "Origin": "http://localhost:8080",
    "Referer": "http://localhost:8080/",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36",
    "X-Request-Id": NEW_ID,
}


class Post(NamedTuple):
    """Where to post, the Content-Type, the bodies to post in turn, and further fields of the head."""

    path: str
    content_type: str
    bodies: Sequence[bytes]
    fields: Mapping[str, str] = {}


def read_images() -> npt.NDArray[np.uint8]:
    """Return the images (100, 28, 28)."""
    with np.load(SAMPLES) as archive:
        return np.asarray(archive["images"][:COUNT])


def as_png(image: npt.NDArray[np.uint8]) -> bytes:
    """Encode an image uint8 (height, width) as a PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def as_form(pngs: Sequence[bytes], field: str = "file") -> bytes:
    r"""Encode files as multipart/form-data, as browsers do.

    >>> as_form([b"one", b"two"]).count(b"Content-Disposition"), as_form([b"one"])[-4:]
    (2, b'--\r\n')
    """
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="digit.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    return b"".join(head + png + b"\r\n" for png in pngs) + f"--{BOUNDARY}--\r\n".encode()


def as_v2(png: bytes) -> bytes:
    """Encode a request of the Open Inference Protocol (V2).

    >>> json.loads(as_v2(b"png"))["inputs"][0]["data"]
    ['cG5n']
    """
    data = [base64.b64encode(png).decode()]
    one = {"name": "image", "shape": [1], "datatype": "BYTES", "data": data}
    return json.dumps({"inputs": [one | {"parameters": {"content_type": "base64"}}]}).encode()


def as_json(png: bytes) -> bytes:
    """Encode a JSON object with the image as base64."""
    return json.dumps({"image": base64.b64encode(png).decode()}).encode()


ENCODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "multipart": (f"multipart/form-data; boundary={BOUNDARY}", lambda png: as_form([png])),
    "raw": ("image/png", bytes),
    "v2": ("application/json", as_v2),
    "json": ("application/json", as_json),
}


def post(encoding: str, path: str, fields: Mapping[str, str], pngs: Sequence[bytes]) -> Post:
    """Encode the images for a path: one image in each request, or BATCH of them."""
    if encoding == "batch":
        batches = [pngs[first : first + BATCH] for first in BATCH_STARTS]
        return Post(path, ENCODINGS["multipart"][0], [as_form(batch, "files") for batch in batches], fields)
    content_type, encode = ENCODINGS[encoding]
    return Post(path, content_type, [encode(png) for png in pngs], fields)
