"""Forms with files, as nearly every client writes them, read in one look; any other is left to werkzeug.

    --BOUNDARY CRLF                      before the first file, and before each further one
    Content-Disposition: form-data; name="…"; filename="…" CRLF
    Content-Type: … CRLF                 may be missing
    CRLF
    the file's bytes CRLF
    --BOUNDARY-- CRLF                    at the end; its CRLF may be missing

Whatever differs by a byte (RFC 7578 and RFC 2046 leave room for much) is not read here at all: None says
so. What is read is what werkzeug would have read; a test holds the two to each other.

Werkzeug bounds the parts of a form, but not their heads: in 32 MB of them it would spend seconds and
gigabytes. So what is left to it is looked through before.
"""

import re

# RFC 2046, 5.1.1.
MOST_BOUNDARY = 70
# A part's head has a field's name and a file's, of some hundred bytes, in two or three lines.
MOST_HEAD_BYTES = 4096
MOST_HEAD_LINES = 16
# As werkzeug has them: what makes a boundary of it, and the end of a head.
AFTER_BOUNDARY = re.compile(rb"--|[^\S\r\n]{0,256}(?:\r\n|\n|\r)")
# Longer than that it is no boundary of anybody's, and takes long to look through.
TOO_MUCH_SPACE = re.compile(rb"[^\S\r\n]{257}")
BLANK_LINE = re.compile(rb"\r\n\r\n|\r\r|\n\n")
CONTENT_TYPE = "multipart/form-data; boundary="
# A form with more is taken apart by werkzeug, which stops at as many as are allowed.
MOST_FILES = 1024
ENDS = (b"--", b"--\r\n")
BOUNDARY = re.compile(r"[-0-9A-Za-z_]{0,68}[0-9A-Za-z]")
HEAD = re.compile(
    rb'\r\nContent-Disposition: form-data; name="[-\w .]*"; filename="[-\w .()]*"\r\n'
    rb"(?:Content-Type: [a-z]+/[-a-z0-9.+]+\r\n)?\r\n",
    re.ASCII,
)


def files_in(body: bytes, content_type: str) -> list[bytes] | None:
    r"""Return the files in a form's body, in order, or None for a form that is not of the common kind.

    >>> head = b'Content-Disposition: form-data; name="f"; filename="7.png"'
    >>> form = b"--b\r\n" + head + b"\r\n\r\nPNG\r\n--b--\r\n"
    >>> files_in(form, "multipart/form-data; boundary=b"), files_in(form, "multipart/form-data; boundary=c")
    ([b'PNG'], None)
    """
    boundary = content_type.removeprefix(CONTENT_TYPE)
    if boundary == content_type or not BOUNDARY.fullmatch(boundary):
        return None
    dashed = b"--" + boundary.encode()
    *parts, end = body.removeprefix(dashed).split(b"\r\n" + dashed, MOST_FILES)
    # A boundary anywhere else, or with a line feed alone before it, may be one to werkzeug.
    if not body.startswith(dashed) or end not in ENDS or body.count(dashed) != len(parts) + 1:
        return None
    heads = [HEAD.match(part) for part in parts]
    return (
        [part[head.end() :] for part, head in zip(parts, heads, strict=True) if head] if all(heads) else None
    )


def checked(body: bytes, boundary: bytes) -> bytes:
    """Return a form without what comes before its first part.

    Raises ValueError for a boundary that can't be one or is not there, and for a part whose head is too long.
    Takes the longer the more often the boundary is there: the caller has bounded that.
    """
    if not 1 <= len(boundary) <= MOST_BOUNDARY:
        raise ValueError(f"its boundary must have 1 to {MOST_BOUNDARY} characters, not {len(boundary)}")
    dashed = b"--" + boundary
    at, first = body.find(dashed), -1
    while at >= 0:
        after = at + len(dashed)
        if TOO_MUCH_SPACE.match(body, after):
            raise ValueError("a boundary is followed by too much space")
        end = AFTER_BOUNDARY.match(body, after)
        if end and (first < 0 or body[at - 1 : at] in {b"\r", b"\n"}):
            first = at if first < 0 else first
            if end[0] != b"--":
                _check_head(body, end.end())
        at = body.find(dashed, at + 1)
    if first < 0:
        raise ValueError("its boundary is not in it")
    return body[first:]


def _check_head(body: bytes, start: int) -> None:
    """Hold a part's head to its limits."""
    beginning = body[start : start + MOST_HEAD_BYTES]
    end = BLANK_LINE.search(beginning)
    long = end is None and len(beginning) == MOST_HEAD_BYTES
    if long or len(beginning[: end and end.start()].splitlines()) > MOST_HEAD_LINES:
        limits = f"{MOST_HEAD_BYTES} bytes and {MOST_HEAD_LINES} lines"
        raise ValueError(f"a part's head does not end within {limits}")
