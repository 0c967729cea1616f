"""What a request says before its body: nearly every client's head read in one look, any other by gunicorn.

    METHOD SP target SP HTTP/1.1 CRLF
    Name: value CRLF                       for each field
    CRLF

A head is usual if it is of just this form, in plain characters, names no field twice, and none that changes
how the message is to be read. Then there is nothing to interpret. What is unusual, and what is to be refused
(RFC 9112: ambiguous lengths, bare line feeds, forbidden characters), is gunicorn's to say. A test holds the
two to each other.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.errors import InvalidHeader, InvalidRequestLine
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.util import unquote_to_wsgi_str

MOST_USUAL_BYTES = 4000
MOST_USUAL_FIELDS = 50
# A field's name, and its value: printable, with single characters of white space at most within.
FIELD = rb"([A-Za-z][-0-9A-Za-z]*): ([!-~]+(?:[ \t][!-~]+)*)\r\n"
USUAL = re.compile(
    rb"(GET|HEAD|POST) (/[-./0-9A-Z_a-z]*)(?:\?([-&+.0-9=A-Z_a-z]*))? HTTP/1\.1\r\n((?:%b)+)\r\n" % FIELD
)
FIELDS = re.compile(FIELD)
# Fields that have a say in where the message ends, what may follow it, or where it came from.
INTERPRETED = frozenset(
    {
        *(
            "HTTP_TRANSFER_ENCODING",
            "HTTP_EXPECT",
            "HTTP_CONNECTION",
            "HTTP_UPGRADE",
            "HTTP_TE",
            "HTTP_TRAILER",
        ),
        *("HTTP_X_FORWARDED_PROTOCOL", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_SSL"),
        *("HTTP_SCRIPT_NAME", "HTTP_PATH_INFO", "HTTP_REMOTE_USER"),
    }
)
# A host, by name or address, and maybe a port (RFC 9110, 7.2); it may be empty.
HOST = re.compile(r"(?:[-!$%&'()*+,.0-9;=A-Z_a-z~]*|\[[.0-9:A-Fa-f]+\])(?::[0-9]*)?")
# What may begin a head: a method's first letter, or the empty line that is allowed before it.
FIRST_BYTE = re.compile(rb"[A-Z\r]")
FIRST_LINE = re.compile(rb"(?:\r\n)?[!-~]+ [!-~]+ HTTP/[0-9]\.[0-9]\r\n")
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
# Ten digits are more than any limit.
LENGTH = re.compile(r"[0-9]{1,10}", re.ASCII)


class Head(NamedTuple):
    """A head: the fields by their names in WSGI, and what they mean for the message.

    fields     not to be changed: heads that say the same share them
    length     bytes of body that follow; None where that is not known before they end
    last       whether the client wants the connection closed after the answer
    asks       whether the client waits for a word before it sends the body
    """

    method: str
    path: str
    query: str
    protocol: str
    scheme: str
    fields: dict[str, str]
    length: int | None
    last: bool
    asks: bool


def read_head(data: bytes, cfg: Any, address: Any, number: int) -> Head:  # noqa: ANN401 - gunicorn's, untyped
    r"""Read a connection's number-th head, its blank line included.

    Raises what gunicorn's parser does for a head that is none.

    >>> from gunicorn.config import Config
    >>> read_head(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", Config(), None, 1).fields
    {'HTTP_HOST': 'localhost'}
    """
    return _usual(data) or _unusual(data, cfg, address, number)


def check_begun(received: bytearray, looked_at: int) -> None:
    r"""Refuse what has come of a head, looked_at bytes of it before, if it can't become one.

    Else its client, which has said all that it will, would wait for its deadline: one that speaks TLS, or
    HTTP/0.9, or ends its lines otherwise. Raises what gunicorn's parser would.

    >>> check_begun(bytearray(b"GET / HTTP/1.1\r\nHo"), 0)
    >>> check_begun(bytearray(b"GET /\r\n"), 0)
    Traceback (most recent call last):
        ...
    gunicorn.http.errors.InvalidRequestLine: Invalid HTTP request line: b'GET /'
    """
    if received and not FIRST_BYTE.match(received):
        raise InvalidRequestLine("it does not begin with a method")
    if BARE_LINE_FEED.search(received, looked_at):
        raise InvalidRequestLine("a line ends with a line feed alone")
    first_end = received.find(b"\n", 2) + 1
    if first_end > looked_at and not FIRST_LINE.match(received):
        raise InvalidRequestLine(bytes(received[:first_end].strip()))


@lru_cache(256)
def _usual(data: bytes) -> Head | None:
    """Read a head of the usual form; a client says the same again and again."""
    found = USUAL.fullmatch(data) if len(data) <= MOST_USUAL_BYTES else None
    if not found:
        return None
    method, path, query, block = found.group(1, 2, 3, 4)
    pairs = FIELDS.findall(block)
    fields = {_wsgi_name(name): value.decode("ascii") for name, value in pairs}
    length = fields.get("CONTENT_LENGTH", "0")
    if len(fields) < len(pairs) or len(pairs) > MOST_USUAL_FIELDS or not INTERPRETED.isdisjoint(fields):
        return None
    if not LENGTH.fullmatch(length) or not HOST.fullmatch(fields.get("HTTP_HOST", "/")):
        return None
    return Head(
        method.decode(),
        path.decode(),
        (query or b"").decode(),
        "HTTP/1.1",
        "http",
        fields,
        int(length),
        last=False,
        asks=False,
    )


@lru_cache(256)
def _wsgi_name(name: bytes) -> str:
    """Return a field's name as WSGI has it (PEP 3333)."""
    plain = name.decode("ascii").upper().replace("-", "_")
    return plain if plain in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{plain}"


def _unusual(data: bytes, cfg: Any, address: Any, number: int) -> Head:  # noqa: ANN401 - gunicorn's, untyped
    request = Request(cfg, IterUnreader([data]), address, number)
    fields: dict[str, str] = {}
    for name, value in request.headers:
        # Not remembered: a client may make up long names without end.
        key = _wsgi_name.__wrapped__(name.encode("latin-1"))
        fields[key] = f"{fields[key]},{value}" if key in fields else value
    if not HOST.fullmatch(fields.get("HTTP_HOST", "/" if request.version >= (1, 1) else "")):
        raise InvalidHeader("HOST")
    options = {option.strip(" \t").lower() for option in fields.get("HTTP_CONNECTION", "").split(",")}
    reader = request.body.reader
    length = reader.length if isinstance(reader, LengthReader) else 0
    return Head(
        request.method,
        unquote_to_wsgi_str(request.path),
        request.query,
        "HTTP/{}.{}".format(*request.version),
        request.scheme,
        fields,
        None if isinstance(reader, ChunkedReader) else int(length),
        # gunicorn looks for it alone, not in a list (RFC 9110, 7.6.1).
        request.should_close() or "close" in options,
        request._expected_100_continue,  # noqa: SLF001 - gunicorn keeps it for its own workers
    )
