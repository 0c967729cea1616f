"""Reads the files of a multipart/form-data body.

There are two readers. `read_common_form` is fast, and reads forms exactly as nearly every client writes them:

    --BOUNDARY CRLF                      before the first file, and before each further one
    Content-Disposition: form-data; name="…"; filename="…" CRLF
    Content-Type: … CRLF                 optional
    CRLF
    the file's bytes CRLF
    --BOUNDARY-- CRLF                    at the end; the last CRLF is optional

RFC 7578 and RFC 2046 allow many other ways to write a form. `read_any_form` reads those with werkzeug's
parser, which is slower. A form that both can read gives the same files.

Werkzeug limits the number of parts, but not the size of a part's head: a body of 32 MB that is one long head
would cost it seconds and gigabytes. Heads are therefore checked before werkzeug gets the form.
"""

import re
from io import BytesIO
from typing import cast

from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser

CONTENT_TYPE = "multipart/form-data; boundary="
COMMON_BOUNDARY = re.compile(r"[-0-9A-Za-z_]{0,68}[0-9A-Za-z]")
COMMON_HEAD = re.compile(
    rb'\r\nContent-Disposition: form-data; name="[-\w .]*"; filename="[-\w .()]*"\r\n'
    rb"(?:Content-Type: [a-z]+/[-a-z0-9.+]+\r\n)?\r\n",
    re.ASCII,
)
COMMON_ENDS = (b"--", b"--\r\n")
# Forms with more files are left to werkzeug, which stops at the limit instead of splitting all of the body.
MAX_COMMON_FILES = 1024

# RFC 2046, section 5.1.1.
MAX_BOUNDARY = 70
# A usual head has two or three lines, with two names of a hundred bytes or so.
MAX_HEAD_BYTES = 4096
MAX_HEAD_LINES = 16
# What werkzeug accepts after a boundary. It would accept more space, but searches slowly for the line's end.
AFTER_BOUNDARY = rb"(?P<last>--)|[^\S\r\n]{0,256}(?:\r\n|\n|\r)|(?P<space>[^\S\r\n]{257})"
BLANK_LINE = re.compile(rb"\r\n\r\n|\r\r|\n\n")


def read_common_form(body: bytes, content_type: str) -> list[bytes] | None:
    r"""Return the files of a form in order, or None for a form that is not written in the common way.

    >>> head = b'Content-Disposition: form-data; name="f"; filename="7.png"'
    >>> form = b"--b\r\n" + head + b"\r\n\r\nPNG\r\n--b--\r\n"
    >>> read_common_form(form, "multipart/form-data; boundary=b")
    [b'PNG']
    >>> read_common_form(form, 'multipart/form-data; boundary="b"')
    """
    boundary = content_type.removeprefix(CONTENT_TYPE)
    if boundary == content_type or not COMMON_BOUNDARY.fullmatch(boundary):
        return None
    delimiter = b"--" + boundary.encode()
    *parts, end = body.removeprefix(delimiter).split(b"\r\n" + delimiter, MAX_COMMON_FILES)
    # Werkzeug also accepts a delimiter after a lone line feed: a form with further delimiters is left to it.
    if not body.startswith(delimiter) or end not in COMMON_ENDS or body.count(delimiter) != len(parts) + 1:
        return None
    heads = [COMMON_HEAD.match(part) for part in parts]
    files = [part[head.end() :] for part, head in zip(parts, heads, strict=True) if head]
    return files if len(files) == len(parts) else None


def read_any_form(body: bytes, boundary: bytes, max_parts: int) -> list[bytes]:
    r"""Return the files of any form, in order; fields that are not files are skipped.

    Raises ValueError for a form that can't be read, RequestEntityTooLarge for one with too many parts.

    >>> read_any_form(b'preamble\n--b\nContent-Disposition: form-data; filename=7\n\nPNG\n--b--', b"b", 1)
    [b'PNG']
    """
    if not 1 <= len(boundary) <= MAX_BOUNDARY:
        raise ValueError(f"its boundary must have 1 to {MAX_BOUNDARY} characters, not {len(boundary)}")
    if body.count(b"--" + boundary) > max_parts + 1:
        raise RequestEntityTooLarge
    form = _without_preamble(body, b"--" + boundary)
    parser = MultiPartParser(
        # In memory: the body is bounded, and the file system may be read-only.
        stream_factory=lambda *_, **__: BytesIO(),
        max_form_memory_size=None,
        max_form_parts=max_parts,
        cls=list,  # type: ignore[arg-type]  # a MultiDict would group the files by field and lose their order
    )
    parsed = parser.parse(BytesIO(form), boundary, len(form))
    files = cast("list[tuple[str, FileStorage]]", parsed[1])
    return [file.read() for _, file in files]


def _without_preamble(body: bytes, delimiter: bytes) -> bytes:
    """Return a form from its first delimiter on, after checking the head of each part.

    Raises ValueError for a form without the delimiter, and for a head that is too large.
    """
    first = -1
    for match in re.finditer(re.escape(delimiter) + b"(?:" + AFTER_BOUNDARY + b")", body):
        start = match.start()
        if match["space"]:
            raise ValueError("a boundary is followed by too much space")
        # Only the first delimiter may stand in the middle of a line.
        if first < 0 or body[start - 1 : start] in {b"\r", b"\n"}:
            first = start if first < 0 else first
            if not match["last"]:
                _check_head(body, match.end())
    if first < 0:
        raise ValueError("its boundary does not occur in it")
    return body[first:]


def _check_head(body: bytes, start: int) -> None:
    beginning = body[start : start + MAX_HEAD_BYTES]
    end = BLANK_LINE.search(beginning)
    too_long = end is None and len(beginning) == MAX_HEAD_BYTES
    if too_long or len(beginning[: end and end.start()].splitlines()) > MAX_HEAD_LINES:
        raise ValueError(f"the head of a part exceeds {MAX_HEAD_BYTES} bytes or {MAX_HEAD_LINES} lines")
