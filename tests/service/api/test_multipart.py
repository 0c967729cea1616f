"""Forms through POST /predict: each way of writing one gives the same files; hostile forms cost little."""

import random
import time
import tracemalloc
import zlib
from functools import cache
from io import BytesIO
from itertools import count
from typing import cast

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import MultiPartParser
from werkzeug.test import TestResponse

from service.api.multipart import MAX_HEAD_BYTES
from service.app import create_app
from service.settings import Settings
from tests.fuzz.chunks import chunk, header

BOUNDARIES = ["b", "----WebKitFormBoundaryabc", "-b-b", "a-a", "--b", "0"]
BITS = [b"\r\n", b"\n", b"\r", b"--", b"-", b"PNG", b"", b" ", b'"', b":", b"\r\n\r\n", b"\x00", b"name"]
FORMS = 1500
NO_FILE = "The form contains no file."


@cache
def last_chunk(end: bytes) -> bytes:
    """Return the last chunk of a PNG, whose checksum ends with these bytes."""
    contents = (number.to_bytes(3) for number in count())
    return next(last for last in (chunk(b"IEND", content) for content in contents) if last.endswith(end))


def blank_png(bits: bytes, end: bytes) -> bytes:
    """Return a PNG with nothing to read that contains these bits, and ends with these bytes.

    If a byte of it is lost or added, the error is another one: the PNG is broken, instead of blank.
    """
    pixels = chunk(b"IDAT", zlib.compress(bytes(9 * 8)))
    return header(8, 8) + chunk(b"tEXt", bits) + pixels + last_chunk(end)


def form(boundary: str, rng: random.Random) -> bytes:
    """Write a form, often with something unusual in it."""
    delimiter = b"--" + boundary.encode()
    bits = [*BITS, delimiter, b"\r\n" + delimiter, b"\n" + delimiter]
    body = b"".join(rng.choices(BITS, k=rng.randrange(3))) if rng.random() < 0.1 else b""
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        head = b'Content-Disposition: form-data; name="%b"' % rng.choice([b"f", b"", b"a b", b"x\xc3"])
        head += rng.choice([b'; filename="7.png"', b'; filename="a (1).png"', b'; filename=""', b""])
        head += rng.choice([b"", b"\r\nContent-Type: image/png", b"\r\nContent-Type: x"])
        data = b"".join(rng.choices(rng.choice([BITS, bits]), k=rng.randrange(6)))
        if rng.random() < 0.8:
            data = blank_png(data, rng.choice([b"", b"\r\n", b"\n", b"\r"]))
        body += delimiter + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n"
    body += delimiter + rng.choice([b"--\r\n", b"--\r\n", b"--", b"", b"--x", b"\r\n"])
    if rng.random() < 0.2:
        at = rng.randrange(len(body) + 1)
        body = body[:at] + rng.choice(bits) + body[at + rng.randrange(3) :]
    return body


def by_werkzeug(body: bytes, boundary: str) -> list[bytes]:
    """Return the files of a form; raises ValueError for one that can't be read."""
    parser = MultiPartParser(
        stream_factory=lambda *_, **__: BytesIO(),
        cls=list,  # type: ignore[arg-type]  # in the form's order
    )
    _, files = parser.parse(BytesIO(body), boundary.encode(), len(body))
    return [file.read() for _, file in cast("list[tuple[str, FileStorage]]", files)]


def details(response: TestResponse) -> list[str]:
    """Return the error of each file, or that of the whole form."""
    document = response.get_json()
    return [problem["detail"] for problem in document.get("predictions", [document])]


def test_a_form_gives_the_files_that_werkzeug_reads() -> None:
    """Thousands of generated forms: the answer is that to werkzeug's files, each posted alone.

    It is the same with the boundary in quotes, which an unusual form may have: each form is read by the
    fast reader, if it can be, and by the other one.
    """
    client = create_app(Settings(log_requests="no")).test_client()

    @cache
    def alone(png: bytes) -> str:
        return details(client.post("/predict", data=png or b"-", content_type="image/png"))[0]

    rng = random.Random(1)  # noqa: S311 - no secret
    sizes = []
    for _ in range(FORMS):
        boundary = rng.choice(BOUNDARIES)
        body = form(boundary, rng)
        common, unusual = (
            details(client.post("/predict", data=body, content_type=f"multipart/form-data; boundary={given}"))
            for given in (boundary, f'"{boundary}"')
        )
        assert common == unusual, (boundary, body)
        try:
            files = by_werkzeug(body, boundary)
        except ValueError:
            continue
        sizes.append(len(files))
        if files:
            assert common == [alone(png) for png in files], (boundary, body)
        else:
            assert common[0].startswith(NO_FILE), (boundary, body)
    assert min(sizes.count(size) for size in (0, 1, 2)) > FORMS / 50
    assert alone(blank_png(b"", b"")).startswith("The image looks blank")


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=b; charset=utf-8",
        "multipart/form-data;boundary=b",
        'Multipart/Form-Data; Boundary="b"',
    ],
)
@pytest.mark.parametrize(
    ("before", "between", "after"),
    [
        (b"", b"\r\n", b""),
        (b"a preamble\r\n", b"\r\n", b"an epilogue"),
        (b"", b"\r\nContent-Transfer-Encoding: binary\r\n", b"\r\n"),
        (b"", b"\r\nCONTENT-TYPE: image/png; x=y\r\n", b""),
    ],
)
def test_an_unusual_form_is_read(
    client: FlaskClient, seven: bytes, content_type: str, before: bytes, between: bytes, after: bytes
) -> None:
    """Spellings of the header, a preamble, an epilogue and further fields of a head change nothing."""
    body = before + b"--b\r\n" + DISPOSITION + between + b"\r\n" + seven + b"\r\n--b--" + after
    answer = client.post("/predict", data=body, content_type=content_type)
    assert answer.get_json()["digit"] == 7


MANY = 8 * 2**20
DISPOSITION = b'Content-Disposition: form-data; name="f"; filename="7.png"'
BEGUN = b"--b\r\n" + DISPOSITION + b"\r\n\r\n"
END = b"\r\n\r\nx\r\n--b--\r\n"


def filled(bit: bytes) -> bytes:
    """Return 8 MB of repetitions."""
    return bit * (MANY // len(bit))


def in_head(line: bytes) -> bytes:
    """Return a form of one part with this in its head."""
    return b"--b\r\nContent-Disposition: form-data; name=f" + line + END


HOSTILE: dict[str, tuple[bytes, str, int]] = {
    "parts": ((BEGUN + b"x\r\n") * 100_000 + b"--b--", "b", 413),
    "fields": (b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n' * 100_000, "b", 413),
    "boundaries": (filled(b"--b\r\n"), "b", 413),
    "parts without heads": (b"--b" + filled(b"xy\r\n--b") + b"--", "b", 413),
    "boundaries that are none": (BEGUN + filled(b"--b"), "b", 413),
    "dashes": (filled(b"-"), "-" * 70, 413),
    "nearly boundaries": (filled(b"-" * 71 + b"x"), "-" * 70, 400),
    "nothing before a boundary": (filled(b"x"), "b", 400),
    "lines before a boundary": (filled(b"\r\n--"), "b", 400),
    "spaces after a boundary": (b"--b" + filled(b" "), "b", 400),
    "a head without end": (b"--b\r\n" + filled(b"a: b\r\n"), "b", 400),
    "a head of millions of lines": (in_head(filled(b"\r\na:b")), "b", 400),
    "a folded head": (in_head(filled(b"\r\n a=b;")), "b", 400),
    "a name of escapes": (in_head(b'; filename="' + filled(b'\\"') + b'"'), "b", 400),
    "a name in percent": (in_head(b"; filename*=utf-8''" + filled(b"%41")), "b", 400),
    "parameters": (in_head(filled(b"; a=b")), "b", 400),
    "semicolons": (in_head(filled(b";")), "b", 400),
    "a second head": (BEGUN + b"x\r\n" + in_head(filled(b";")), "b", 400),
    "a second head, behind a lone carriage return": (BEGUN + b"\r" + in_head(filled(b";")), "b", 400),
    "a second head, behind an end that is none": (
        b"--b\r\n" + DISPOSITION + b"\r\n--b--\r\n\r\nx\r\n" + in_head(filled(b";")),
        "b",
        400,
    ),
    "one field": (b"--b\r\nContent-Disposition: form-data; name=f\r\n\r\n" + filled(b"x") + END, "b", 400),
    "carriage returns": (BEGUN + filled(b"\r"), "b", 400),
    "no end": (BEGUN + filled(b"x"), "b", 400),
    "no disposition": (b"--b\r\nContent-Type: image/png" + END, "b", 400),
    "no head": (b"--b\r\n\r\nx\r\n--b--", "b", 400),
    "nothing": (b"--b--", "b", 400),
    "a form within a form": (
        BEGUN.replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n")
        + BEGUN.replace(b"--b", b"--c")
        + b"x\r\n--c--\r\n--b--",
        "b",
        415,
    ),
    "no boundary": (BEGUN + END, "", 400),
    "another boundary": (BEGUN + END, "c", 400),
    "a long boundary": (BEGUN.replace(b"--b", b"--" + b"b" * 71) + END, "b" * 71, 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_form_takes_little(client: FlaskClient, name: str) -> None:
    """8 MB of each are refused with less than two seconds of processor time, and few copies of the body."""
    body, boundary, status = HOSTILE[name]
    client.get("/healthz")
    tracemalloc.start()
    try:
        began = time.thread_time()
        answer = client.post("/predict", data=body, content_type=f"multipart/form-data; boundary={boundary}")
        seconds = time.thread_time() - began
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert seconds < 2
    # The test client makes some of the copies.
    assert memory < 8 * MANY


def test_a_part_has_room_for_a_long_name(client: FlaskClient, seven: bytes) -> None:
    """The longest name that a file can have, percent-encoded, is accepted."""
    head = b"; filename*=utf-8''" + b"%E4%B8%83" * 255
    assert len(head) < MAX_HEAD_BYTES
    body = in_head(head + b"\r\nContent-Type: image/png").replace(b"x\r\n--b--", seven + b"\r\n--b--")
    answer = client.post("/predict", data=body, content_type="multipart/form-data; boundary=b")
    assert answer.get_json()["digit"] == 7
