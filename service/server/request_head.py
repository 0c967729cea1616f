"""Request heads: parses all that a client sends before the body.

    METHOD SP target SP HTTP/1.1 CRLF
    Name: value CRLF                       for each field
    CRLF

One regular expression reads a head in the usual form, about six times as fast as gunicorn's parser. A head
has the usual form if it consists of plain characters, names no field twice, and has no field that changes
how the message is read. gunicorn parses all other heads, and refuses those that are malformed or ambiguous
(RFC 9112). `make fuzz` compares the two with each other.
"""

import re
from typing import Any, NamedTuple

from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.errors import InvalidHeader, InvalidRequestLine, LimitRequestHeaders, LimitRequestLine
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.util import unquote_to_wsgi_str

MAX_HEAD_BYTES = 32 * 2**10
# Below gunicorn's own limits for a request line, a field, and the number of fields.
MAX_USUAL_BYTES = 4000
# A field's name, and its value: printable, words separated by single spaces or tabs.
FIELD = r"([A-Za-z][-0-9A-Za-z]*): ([!-~]+(?:[ \t][!-~]+)*)\r\n"
USUAL = re.compile(
    r"(GET|HEAD|POST) (/[-./0-9A-Z_a-z]*)(?:\?([-&+.0-9=A-Z_a-z]*))? HTTP/1\.1\r\n"
    rf"((?:{FIELD}){{1,50}})\r\n"
)
FIELDS = re.compile(FIELD)
# Fields that change where the message ends, what may follow it, or which scheme the client used.
INTERPRETED = frozenset(
    {"HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_UPGRADE"}
    | {f"HTTP_X_FORWARDED_{name}" for name in ("PROTOCOL", "PROTO", "SSL")}
)
KEEP_ALIVE = "keep-alive"
# A host name or address with an optional port (RFC 9110, 7.2); it may be empty.
HOST = re.compile(r"(?:[-!$%&'()*+,.0-9;=A-Z_a-z~]*|\[[.0-9:A-Fa-f]+\])(?::[0-9]*)?")
# Ten digits exceed any limit.
LENGTH = re.compile(r"[0-9]{1,10}", re.ASCII)
# A head begins with a method, or with the one empty line that RFC 9112 (2.2) allows before it.
FIRST_BYTE = re.compile(rb"[A-Z\r]")
REQUEST_LINE = re.compile(rb"(?:\r\n)?[!-~]+ [!-~]+ HTTP/[0-9]\.[0-9]\r\n")
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")


class RequestHead(NamedTuple):
    """A parsed head.

    fields            header fields, by their names in the WSGI environ (PEP 3333)
    content_length    bytes of the body; None for a chunked body, whose length is not known in advance
    close             whether the connection closes after the response
    expects_continue  whether the client waits for `100 Continue` before it sends the body
    """

    method: str
    path: str
    query: str
    protocol: str
    scheme: str
    fields: dict[str, str]
    content_length: int | None
    close: bool = False
    expects_continue: bool = False


def parse_head(data: bytes, cfg: Any, peer: Any, number: int) -> RequestHead:  # noqa: ANN401 - gunicorn's
    r"""Parse a complete head, its blank line included: the number-th one on the connection of this peer.

    Raises gunicorn's ParseException for a head that is malformed, ambiguous or beyond cfg's limits.

    >>> from gunicorn.config import Config
    >>> parse_head(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", Config(), None, 1).fields
    {'HTTP_HOST': 'localhost'}
    """
    return _parse_usual(data) or _parse_any(data, cfg, peer, number)


def check_partial_head(received: bytearray, checked: int) -> None:
    r"""Refuse an incomplete head that can't become valid; its first `checked` bytes were checked before.

    A client that speaks TLS or HTTP/0.9, or ends its lines with line feeds, sends nothing more: without this
    check it would wait for the time-out. Raises the InvalidRequestLine that gunicorn's parser would raise;
    beyond MAX_HEAD_BYTES, LimitRequestLine or LimitRequestHeaders.

    >>> check_partial_head(bytearray(b"GET / HTTP/1.1\r\nHo"), 0)
    >>> check_partial_head(bytearray(b"GET /\r\n"), 0)
    Traceback (most recent call last):
        ...
    gunicorn.http.errors.InvalidRequestLine: Invalid HTTP request line: b'GET /'
    """
    if len(received) > MAX_HEAD_BYTES:
        if b"\n" not in received[:MAX_HEAD_BYTES]:
            raise LimitRequestLine(len(received))
        raise LimitRequestHeaders(f"the request head has more than {MAX_HEAD_BYTES} bytes")
    if received and not FIRST_BYTE.match(received):
        raise InvalidRequestLine("it does not begin with a method")
    if BARE_LINE_FEED.search(received, checked):
        raise InvalidRequestLine("a line ends with a bare line feed")
    line_end = received.find(b"\n", 2) + 1
    if line_end > checked and not REQUEST_LINE.match(received):
        raise InvalidRequestLine(bytes(received[:line_end].strip()))


def _parse_usual(data: bytes) -> RequestHead | None:
    """Parse a head in the usual form; return None for any other."""
    usual = USUAL.fullmatch(data.decode("latin-1")) if len(data) <= MAX_USUAL_BYTES else None
    if not usual:
        return None
    method, path, query, block = usual.group(1, 2, 3, 4)
    pairs = FIELDS.findall(block)
    fields = {_environ_name(name): value for name, value in pairs}
    length = fields.get("CONTENT_LENGTH", "0")
    if (
        len(fields) < len(pairs)
        or not INTERPRETED.isdisjoint(fields)
        or fields.get("HTTP_CONNECTION", KEEP_ALIVE).lower() != KEEP_ALIVE
        or not LENGTH.fullmatch(length)
        or not HOST.fullmatch(fields.get("HTTP_HOST", "/"))
    ):
        return None
    return RequestHead(method, path, query or "", "HTTP/1.1", "http", fields, int(length))


def _environ_name(name: str) -> str:
    """Return a field's name in the WSGI environ (PEP 3333)."""
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def _parse_any(data: bytes, cfg: Any, peer: Any, number: int) -> RequestHead:  # noqa: ANN401 - gunicorn's
    """Parse a head with gunicorn's parser."""
    request = Request(cfg, IterUnreader([data]), peer, number)
    fields: dict[str, str] = {}
    for name, value in request.headers:
        key = _environ_name(name)
        fields[key] = f"{fields[key]},{value}" if key in fields else value
    if not HOST.fullmatch(fields.get("HTTP_HOST", "/" if request.version >= (1, 1) else "")):
        raise InvalidHeader("HOST")
    options = {option.strip(" \t").lower() for option in fields.get("HTTP_CONNECTION", "").split(",")}
    reader = request.body.reader
    length = reader.length if isinstance(reader, LengthReader) else 0
    return RequestHead(
        request.method,
        unquote_to_wsgi_str(request.path),
        request.query,
        "HTTP/{}.{}".format(*request.version),
        request.scheme,
        fields,
        None if isinstance(reader, ChunkedReader) else int(length),
        # gunicorn finds `close` only if it stands alone, not in a list (RFC 9110, 7.6.1).
        request.should_close() or "close" in options,
        request._expected_100_continue,  # noqa: SLF001 - gunicorn keeps it for its own workers
    )
