"""GET /: the page for drawing digits and looking into the network; its files are under /web/.

All files are read into a table at the start, so that no path of a request can reach another file. A browser
caches them and revalidates each time (ETag), so that a page never mixes two versions. The
Content-Security-Policy lets the page load and call this service only, and run only its own scripts.
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
    """A static file, with the hash of its content as its ETag."""

    content: bytes
    content_type: str
    etag: str

    @classmethod
    def of(cls, content: bytes, suffix: str) -> "File":
        """Return a file with this content; the suffix of its name gives the type."""
        return cls(content, TYPES[suffix], hashlib.sha256(content).hexdigest()[:20])


FILES = {
    path.name: File.of(path.read_bytes(), path.suffix)
    for path in sorted(FOLDER.iterdir())
    if path.suffix in TYPES and path.name != INDEX
}
_HTML = (FOLDER / INDEX).read_bytes()
# Keyed by whether the service requires an API key: the page needs none, but asks its reader for it.
PAGES = {
    False: File.of(_HTML, ".html"),
    True: File.of(_HTML.replace(b"<html ", b'<html data-key="needed" ', 1), ".html"),
}


@blueprint.get("/")
def index() -> Response:
    """Return the page."""
    return file_response(PAGES[model_state().settings.needs_key])


@blueprint.get("/web/<name>")
def file(name: str) -> Response:
    """Return one of the page's files."""
    if name not in FILES:
        abort(404, f"There is no file {name[:40]!r} under /web/; the page is at /.")
    return file_response(FILES[name])


def file_response(file: File) -> Response:
    """Return a file, or 304 if the client has it."""
    response = Response(file.content, headers=HEADERS, content_type=file.content_type)
    response.set_etag(file.etag)
    response.make_conditional(request)
    # The server adds Date (RFC 9110, section 6.6.1).
    del response.headers["Date"]
    return response
