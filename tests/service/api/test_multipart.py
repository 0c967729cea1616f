"""The quick reader of forms reads what werkzeug reads, or leaves it to werkzeug."""

import random
import time
import tracemalloc
from io import BytesIO
from typing import cast

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import MultiPartParser

from service.api.multipart import MOST_HEAD_BYTES, checked, files_in
from service.api.request_body import _in_memory

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


MANY = 8 * 2**20
DISPOSITION = b'Content-Disposition: form-data; name="f"; filename="7.png"'
BEGUN = b"--b\r\n" + DISPOSITION + b"\r\n\r\n"
END = b"\r\n\r\nx\r\n--b--\r\n"


def filled(bit: bytes) -> bytes:
    """Say something again and again, for 8 MB."""
    return bit * (MANY // len(bit))


def in_head(line: bytes) -> bytes:
    """Write a form of one part that has this in its head."""
    return b"--b\r\nContent-Disposition: form-data; name=f" + line + END


HOSTILE: dict[str, tuple[bytes, str, int]] = {
    "parts": ((BEGUN + b"x\r\n") * 100_000 + b"--b--", "b", 413),
    "fields": (b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n' * 100_000, "b", 413),
    "boundaries": (filled(b"--b\r\n"), "b", 413),
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
    """8 MB of whatever is refused, in less than two seconds of processor time, and with few copies of it."""
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
    # The client's copies are among them.
    assert memory < 8 * MANY


def test_what_is_checked_is_read_as_before() -> None:
    """Of 20,000 generated forms, each that werkzeug reads is still read, and gives the same files."""
    rng = random.Random(2)  # noqa: S311 - no secret
    read = 0
    for _ in range(BODIES // 5):
        boundary = rng.choice(BOUNDARIES)
        body = b"".join(rng.choices(BITS, k=rng.randrange(3))) + form(boundary, rng)
        try:
            files = by_werkzeug(body, boundary)
        except (ValueError, AssertionError):
            continue
        read += 1
        assert by_werkzeug(checked(body, boundary.encode()), boundary) == files
    assert read > BODIES / 20


def test_a_part_has_room_for_a_long_name(client: FlaskClient, seven: bytes) -> None:
    """The longest name that a file can have, each letter written in percent, is no matter."""
    head = b"; filename*=utf-8''" + b"%E4%B8%83" * 255
    assert len(head) < MOST_HEAD_BYTES
    body = in_head(head + b"\r\nContent-Type: image/png").replace(b"x\r\n--b--", seven + b"\r\n--b--")
    answer = client.post("/predict", data=body, content_type="multipart/form-data; boundary=b")
    assert answer.get_json()["digit"] == 7
