"""The fuzzer's targets hold for its seeds, for what it once found, and for files that hypothesis makes up."""

import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.images.codec import decode
from tests.fuzz.chunks import KINDS, SIGNATURE, Chunk, join, mutated, split
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import MOST_PIXELS, TARGETS, answers, forms, images

CORPUS = Path(__file__).parent / "corpus"
CHANGES = 3000

sizes = st.sampled_from([*range(1, 10), 28, 33, 280, 2**31 - 1])
headers = st.builds(
    lambda *fields: struct.pack(">IIBBBBB", *fields),
    *(sizes, sizes, st.sampled_from([1, 2, 4, 8, 16]), st.sampled_from([0, 2, 3, 4, 6])),
    *(st.just(0), st.just(0), st.integers(0, 1)),
)
contents = st.one_of(
    st.binary(max_size=800),
    st.builds(zlib.compress, st.binary(max_size=3000)),
    st.builds(lambda name, bits: name + b"\0\0" + zlib.compress(bits), st.binary(max_size=9), st.binary()),
)
chunks = st.lists(st.tuples(st.sampled_from(KINDS), contents), max_size=12)
parts = st.lists(
    st.one_of(
        st.sampled_from([b"\r\n", b"\n", b"--b", b"--", b"b", b'"', b"PNG", b": "]), st.binary(max_size=9)
    )
).map(b"".join)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_findings_hold(target: str) -> None:
    """All seeds, and all files that fuzzing has found, hold."""
    for data in [*SEEDS[target](), *(path.read_bytes() for path in (CORPUS / target).iterdir())]:
        TARGETS[target](data)


def test_changed_files_hold() -> None:
    """Thousands of files, mutated in their structure, with correct checksums, are read or rejected."""
    rng = random.Random(1)  # noqa: S311 - no secret

    def scramble(bits: bytes) -> bytes:
        at = rng.randrange(len(bits) + 1)
        return bits[:at] + rng.randbytes(rng.randrange(4)) + bits[at + rng.randrange(4) :]

    seeds = [*SEEDS["images"]()]
    for _ in range(CHANGES):
        images(mutated(rng.choice(seeds), rng, scramble))


@given(header=headers, middle=chunks, pixels=st.binary(max_size=3000), end=chunks)
@settings(deadline=None, database=None)
def test_composed_files_hold(header: bytes, middle: list[Chunk], pixels: bytes, end: list[Chunk]) -> None:
    """A file with any chunks between its header and its end is read or rejected."""
    data = (b"IDAT", zlib.compress(pixels))
    images(join([(b"IHDR", header), *middle, data, *end, (b"IEND", b"")]))


@given(middle=chunks)
@settings(deadline=None, database=None)
def test_what_is_not_read_changes_nothing(middle: list[Chunk]) -> None:
    """No ancillary chunk except tRNS changes the pixels, or causes a rejection."""
    plain = next(picture for picture in SEEDS["images"]() if picture.startswith(SIGNATURE))
    first, *rest = split(plain)
    others = [(kind, content) for kind, content in middle if kind[:1].islower() and kind != b"tRNS"]
    changed = decode(join([first, *others, *rest[:-1], *others, rest[-1]]), MOST_PIXELS)
    np.testing.assert_array_equal(changed, decode(plain, MOST_PIXELS))


@given(boundary=st.sampled_from([b"b", b"-b", b"b-b"]), bits=st.lists(parts, max_size=4), end=parts)
@settings(deadline=None, database=None)
def test_composed_forms_hold(boundary: bytes, bits: list[bytes], end: bytes) -> None:
    """Forms with anything between their boundaries are read as werkzeug reads them, and answered."""
    head = b'\r\nContent-Disposition: form-data; name="f"; filename="7.png"\r\n\r\n'
    body = b"".join(b"--" + boundary + head + bit + b"\r\n" for bit in bits) + b"--" + boundary + b"--" + end
    forms(boundary + b"\n" + body)
    answers(b"multipart/form-data; boundary=" + boundary + b"\n\n" + body)
