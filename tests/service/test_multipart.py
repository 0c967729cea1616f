"""The quick reader of forms reads what werkzeug reads, or leaves it to werkzeug."""

import random
import tracemalloc
from io import BytesIO
from typing import cast

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import MultiPartParser

from service.multipart import files_in
from service.uploads import _in_memory

BOUNDARIES = ["b", "----WebKitFormBoundaryabc", "-b-b", "a-a", "--b", "0"]
BITS = [b"\r\n", b"\n", b"\r", b"--", b"-", b"PNG", b"", b" ", b'"', b":", b"\r\n\r\n", b"\x00", b"name"]
BODIES = 100_000


def by_werkzeug(body: bytes, boundary: str) -> list[bytes]:
    """Return the files of a form that holds nothing else."""
    parser = MultiPartParser(
        stream_factory=_in_memory,
        max_form_memory_size=2**20,
        max_form_parts=512,
        cls=list,  # type: ignore[arg-type]  # as the service uses it
    )
    fields, files = parser.parse(BytesIO(body), boundary.encode(), len(body))
    assert not fields
    pairs = cast("list[tuple[str, FileStorage]]", files)
    return [file.read() for _, file in pairs]


def form(boundary: str, rng: random.Random) -> bytes:
    """Write a form, often with something unusual in it."""
    dashed = b"--" + boundary.encode()
    bits = [*BITS, dashed, b"\r\n" + dashed, b"\n" + dashed]
    body = b""
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        head = b'Content-Disposition: form-data; name="%b"' % rng.choice([b"f", b"", b"a b", b"x\xc3"])
        head += rng.choice([b'; filename="7.png"', b'; filename="a (1).png"', b'; filename=""', b""])
        head += rng.choice([b"", b"\r\nContent-Type: image/png", b"\r\nContent-Type: x"])
        data = b"".join(rng.choices(bits, k=rng.randrange(6)))
        body += dashed + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n"
    body += dashed + rng.choice([b"--\r\n", b"--\r\n", b"--", b"", b"--x", b"\r\n"])
    if rng.random() < 0.2:
        at = rng.randrange(len(body) + 1)
        body = body[:at] + rng.choice(bits) + body[at + rng.randrange(3) :]
    return body


def test_it_reads_what_werkzeug_reads() -> None:
    """Of 100,000 generated forms, thousands are read, and each gives werkzeug's files."""
    rng = random.Random(1)  # noqa: S311 - no secret
    read = 0
    for _ in range(BODIES):
        boundary = rng.choice(BOUNDARIES)
        body = form(boundary, rng)
        files = files_in(body, f"multipart/form-data; boundary={boundary}")
        if files is not None:
            read += 1
            assert files == by_werkzeug(body, boundary), (boundary, body)
    assert read > BODIES / 20


def test_millions_of_parts_take_no_memory() -> None:
    """A body of nothing but boundaries is left to werkzeug before a million parts are made of it."""
    body = b"--b" + b"xy\r\n--b" * 2**19 + b"--"
    tracemalloc.start()
    try:
        assert files_in(body, "multipart/form-data; boundary=b") is None
        assert tracemalloc.get_traced_memory()[1] < 3 * len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "image/png"]
)
def test_other_types_are_left(content_type: str) -> None:
    """Without a plain boundary there is nothing to read."""
    assert files_in(b"--b--\r\n", content_type) is None
