"""Where fuzzing begins: small files of every kind, and forms and heads as clients write them."""

import io
import zlib
from collections.abc import Iterator
from typing import Any

import png as pypng

from tests.fuzz.chunks import SIGNATURE, chunk, header, join, split

HEAD = b'Content-Disposition: form-data; name="file"; filename="7.png"\r\n'
TYPE = b"Content-Type: image/png\r\n"
USUAL = b"POST /predict?receipt=1 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\n"
FIELDS = [
    b"Content-Length: 254\r\nContent-Type: image/png\r\n",
    b"Content-Length: 254\r\nContent-Length: 255\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\nContent-Length: 5\r\n",
    b"X-Api-Key: a\r\nX_Api_Key: b\r\n",
    b"Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
    b"X-Forwarded-Proto: https\r\nX-A:\t1 \r\n 2\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
]


def pictures() -> Iterator[bytes]:
    """Yield a stroke on a ground in each kind of PNG, with what may stand in a file besides."""
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            for interlaced in (False, True):
                yield _picture(colour, depth, interlaced=interlaced)
    plain = _picture(0, 8)
    yield plain
    chunks = split(plain)
    for kind, content in [
        (b"tRNS", b"\0\0"),
        (b"tEXt", b"transparency\0x"),
        (b"zTXt", b"a\0\0" + zlib.compress(bytes(10_000))),
        (b"iCCP", b"a\0\0" + zlib.compress(bytes(10_000))),
        (b"acTL", b"\0\0\0\2\0\0\0\0"),
        (b"gAMA", b"\0\0\xb1\x8f"),
    ]:
        yield join([chunks[0], (kind, content), *chunks[1:]])
    kind, content = chunks[1]
    yield join([chunks[0], *((kind, content[at : at + 20]) for at in range(0, len(content), 20)), chunks[-1]])
    yield header(3, 3) + chunk(b"IDAT", zlib.compress(bytes(11))) + chunk(b"IEND", b"")
    yield SIGNATURE


def _picture(colour: int, depth: int, *, interlaced: bool = False) -> bytes:
    most, samples = 2**depth - 1, {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rows = [
        [most if 12 <= x < 16 and 4 <= y < 24 else 0 for x in range(28) for _ in range(samples)]
        for y in range(28)
    ]
    file = io.BytesIO()
    form: dict[str, Any] = {"greyscale": colour in {0, 4}, "alpha": colour in {4, 6}}
    if colour == 3:
        form = {"palette": [(level, level, level, 255 - level // 2) for level in range(2**depth)]}
    pypng.Writer(28, 28, bitdepth=depth, interlace=interlaced, **form).write(file, rows)
    return file.getvalue()


def form(*files: bytes, boundary: bytes = b"b") -> bytes:
    """Write a form with files."""
    dashed = b"--" + boundary
    head = dashed + b"\r\n" + HEAD + TYPE + b"\r\n"
    return b"".join(head + file + b"\r\n" for file in files) + dashed + b"--\r\n"


def _answers() -> Iterator[bytes]:
    for picture in pictures():
        yield b"image/png\nreceipt=1&activations=1&explain=answer\n" + picture
    grey = _picture(0, 8)
    for files in [(grey,), (grey, grey[:100], _picture(2, 16)), (), (grey,) * 5]:
        yield b"multipart/form-data; boundary=b\n\n" + form(*files)
    yield b'multipart/form-data; boundary="b c"; charset=x\nexplain=3\n' + form(grey, boundary=b"b c")
    yield b"text/plain\nexplain=x\n" + grey


def _forms() -> Iterator[bytes]:
    for boundary in (b"b", b"----WebKitFormBoundary7MA4YWxkTrZu0gW", b"-b-b"):
        for files in [(b"PNG",), (b"", b"\r\n--b"), (b"\r\n\r\n", b"--", b"\n--b--")]:
            yield boundary + b"\n" + form(*files, boundary=boundary)
    yield b"b\npreamble\r\n--b\r\n" + HEAD + b"\r\nPNG\r\n--b--\r\nepilogue"
    yield b'b\n--b\r\nContent-Disposition: form-data; name="field"\r\n\r\nvalue\r\n--b--'


def _heads() -> Iterator[bytes]:
    for fields in FIELDS:
        yield USUAL + fields + b"\r\n"
    yield b"GET / HTTP/1.0\r\n\r\n"
    yield b"HEAD /model/layers/0/neurons/7 HTTP/1.1\r\nHost: a\r\n\r\n"
    yield b"GET http://a/%2e%2e/b?c#d HTTP/1.1\r\nHost: a\r\n\r\n"
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


SEEDS = {"images": pictures, "answers": _answers, "forms": _forms, "heads": _heads}
