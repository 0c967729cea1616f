"""Forms with files, as nearly every client writes them, read in one look; any other is left to werkzeug.

    --BOUNDARY CRLF                      before the first file, and before each further one
    Content-Disposition: form-data; name="…"; filename="…" CRLF
    Content-Type: … CRLF                 may be missing
    CRLF
    the file's bytes CRLF
    --BOUNDARY-- CRLF                    at the end; its CRLF may be missing

Whatever differs by a byte (RFC 7578 and RFC 2046 leave room for much) is not read here at all: None says
so. What is read is what werkzeug would have read; a test holds the two to each other.
"""

import re

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
