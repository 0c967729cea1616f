"""What must hold for any bytes.

images      a file is read, within time and memory, or rejected for one of the documented reasons
answers     a request is answered with the documented document, and never with a 5xx
forms       the quick reader of forms reads what werkzeug reads, or leaves it to werkzeug
heads       the app is told of a head what gunicorn would tell it, and no head that gunicorn refuses is taken
"""

import json
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any, NoReturn, cast

import numpy as np
from flask import Flask
from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidHeader, ParseException
from gunicorn.http.message import Request as GunicornRequest
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import create
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser

from service.api.multipart import read_common_form
from service.app import create_app
from service.images.codec import InvalidImage, decode
from service.images.normalise import SIDE, normalise
from service.problems import REASONS
from service.server.connection import Request
from service.server.request_head import parse_head
from service.server.wsgi import BASE_ENVIRON, environ_of
from service.settings import Settings

# Large enough for any kind of picture, and small enough for thousands of files in a second.
MOST_PIXELS = 2**16
CLIENT = ("127.0.0.1", 50000)
PROBLEM = {"type", "title", "status", "detail", "instance"}
DIGIT = {"digit", "confidence", "probabilities", "prediction_set", "abstained", "model"}
CONFIG = Config()
REFUSALS = (ParseException, OSError, StopIteration)
TOLD = {
    *("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "wsgi.url_scheme"),
    *("CONTENT_TYPE", "CONTENT_LENGTH"),
}


def images(data: bytes) -> None:
    """Decode and normalise a file."""
    refusal: InvalidImage | None = None
    try:
        grey = decode(data, MOST_PIXELS)
        assert grey.dtype == np.uint8
        assert grey.ndim == 2
        assert 0 < grey.size <= MOST_PIXELS
        image, receipt = normalise(grey)
    except InvalidImage as error:
        refusal = error
    if refusal:
        assert 400 <= REASONS[refusal.reason] < 500
        assert str(refusal).isprintable()
        return
    assert image.shape == (SIDE, SIDE)
    assert image.dtype == np.uint8
    assert image.any()
    left, top, right, bottom = receipt.crop
    assert 0 <= left < right <= grey.shape[1]
    assert 0 <= top < bottom <= grey.shape[0]


def answers(data: bytes) -> None:
    """Post a request: its type in the first line, its query in the second, then its body."""
    kind, _, rest = data.partition(b"\n")
    query, _, body = rest.partition(b"\n")
    started: list[Any] = []
    environ = {
        **BASE_ENVIRON,
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/predict",
        # The server lets nothing else through.
        "QUERY_STRING": "".join(chr(byte) for byte in query if 32 < byte < 127),
        "CONTENT_TYPE": "".join(chr(byte) for byte in kind if 31 < byte < 127 or byte > 160),
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
    }
    chunks = _app()(environ, lambda *answer: cast("Any", started.append(answer)))
    document = json.loads(b"".join(chunks), parse_constant=_refuse)
    status, headers = started[0][0], dict(started[0][1])
    if status.startswith("200"):
        assert headers["Content-Type"] == "application/json"
        for answer in document.get("predictions", [document]):
            assert answer.keys() >= DIGIT or _is_problem(answer)
    else:
        assert headers["Content-Type"] == "application/problem+json"
        assert _is_problem(document)
        assert status.startswith(f"{document['status']} ")


@cache
def _app() -> Flask:
    return create_app(Settings(max_pixels=MOST_PIXELS, max_images=4, log_requests="no"))


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(constant)


def _is_problem(document: Any) -> bool:  # noqa: ANN401 - JSON
    assert document.keys() == PROBLEM
    assert 400 <= document["status"] < 500
    if document["type"] != "about:blank":
        reason = document["type"].removeprefix("urn:digits:problem:").replace("-", "_")
        assert document["status"] == REASONS[reason]
    return True


def forms(data: bytes) -> None:
    """Read a form: its boundary in the first line, then its body."""
    line, _, body = data.partition(b"\n")
    boundary = line.decode("latin-1")
    files = read_common_form(body, f"multipart/form-data; boundary={boundary}")
    if files is None:
        return
    parser = MultiPartParser(
        stream_factory=lambda *_, **__: BytesIO(),
        max_form_memory_size=2**20,
        max_form_parts=512,
        cls=list,  # type: ignore[arg-type]  # as the service uses it
    )
    try:
        fields, parts = parser.parse(BytesIO(body), boundary.encode("latin-1"), len(body))
    except RequestEntityTooLarge:
        # More parts than werkzeug was told to read; the service counts the files itself.
        assert len(files) > 512
        return
    assert not fields
    assert files == [file.read() for _, file in cast("list[tuple[str, FileStorage]]", parts)]


def heads(data: bytes) -> None:
    """Read a request's head."""
    data = b"".join(data.partition(b"\r\n\r\n")[:2])
    refusal, head, request = None, None, None
    try:
        head = parse_head(data, CONFIG, CLIENT, 1)
    except REFUSALS as error:
        refusal = error
    try:
        request = GunicornRequest(CONFIG, IterUnreader([data]), CLIENT, 1)
    except REFUSALS:
        assert head is None
        return
    if head is None:
        # The one thing that gunicorn accepts and the server does not: a host that is none.
        assert isinstance(refusal, InvalidHeader)
        assert refusal.hdr == "HOST"
        return
    assert head.close or not request.should_close()
    reader = request.body.reader
    assert (head.content_length is None) == isinstance(reader, ChunkedReader)
    assert isinstance(reader, ChunkedReader) or head.content_length == getattr(reader, "length", 0)
    _compare(environ_of(Request(head, b""), {}), request)


def _compare(environ: dict[str, Any], request: GunicornRequest) -> None:
    """Compare what the server tells the app with what gunicorn would tell it."""
    request._expected_100_continue = False  # it would be sent to the socket, which there is not
    expected = create(request, None, CLIENT, CLIENT, CONFIG)[1]
    told = TOLD | {name for name in {**environ, **expected} if name.startswith("HTTP_")}
    assert {name: environ.get(name) for name in told} == {name: expected.get(name) for name in told}


TARGETS: dict[str, Callable[[bytes], None]] = {
    "images": images,
    "answers": answers,
    "forms": forms,
    "heads": heads,
}
