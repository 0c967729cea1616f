"""GET /: the page to draw a digit on and to look into the network; its files are under /web/.

All files are read once, at the start, and kept in a table: what is not in it is not there, whatever a path
says. A browser keeps them and asks each time whether they are still the same (ETag), so that a page never
mixes two versions. The policy lets the page load and call this service alone, and run no script but its own.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, abort, request

from service.api.model_state import model_state

blueprint = Blueprint("page", __name__)
FOLDER = Path(__file__).parent.parent / "web"
INDEX = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class File:
    """A file of the page, and what its content is known by."""

    content: bytes
    content_type: str
    etag: str

    @classmethod
    def of(cls, content: bytes, suffix: str) -> "File":
        """Make a file of its content and the ending of its name."""
        return cls(content, TYPES[suffix], hashlib.sha256(content).hexdigest()[:20])


FILES = {
    path.name: File.of(path.read_bytes(), path.suffix)
    for path in sorted(FOLDER.iterdir())
    if path.suffix in TYPES and path.name != INDEX
}
_HTML = (FOLDER / INDEX).read_bytes()
# The page is open where the service is not, and then asks for the key before it asks for anything else.
PAGES = {
    False: File.of(_HTML, ".html"),
    True: File.of(_HTML.replace(b"<html ", b'<html data-key="needed" ', 1), ".html"),
}


@blueprint.get("/")
def index() -> Response:
    """Answer with the page."""
    return answer(PAGES[model_state().settings.needs_key])


@blueprint.get("/web/<name>")
def file(name: str) -> Response:
    """Answer with one of the page's files."""
    if name not in FILES:
        abort(404, f"The page has no file {name[:40]!r}; it begins at /.")
    return answer(FILES[name])


def answer(file: File) -> Response:
    """Answer with a file, or that it is still the same (304)."""
    response = Response(file.content, headers=HEADERS, content_type=file.content_type)
    response.set_etag(file.etag)
    response.make_conditional(request)
    # The server's own to say, and once (RFC 9110, 6.6.1).
    del response.headers["Date"]
    return response
