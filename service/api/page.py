"""GET /: the page for drawing digits and looking into the network; its files are under /web/.

All files are read into a table at the start, so that no path of a request can reach another file. A browser
caches them and revalidates each time (ETag), so that a page never mixes two versions. The
Content-Security-Policy lets the page load and call this service only, and run only its own scripts.
"""

from pathlib import Path

from flask import Blueprint, Response, abort, render_template, request

from service.api.model_state import model_state

blueprint = Blueprint("page", __name__, template_folder="../web")
FOLDER = Path(__file__).parent.parent / "web"
INDEX = "index.html"
TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml"}
FILES = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in TYPES}
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


@blueprint.get("/")
def index() -> Response:
    """Return the page; where the service requires an API key, the page asks its reader for it."""
    html = render_template(INDEX, needs_key=model_state().settings.needs_key)
    return page_response(html, "text/html")


@blueprint.get("/web/<name>")
def file(name: str) -> Response:
    """Return one of the page's files."""
    if name not in FILES:
        abort(404, f"There is no file {name[:40]!r} under /web/; the page is at /.")
    return page_response(FILES[name], TYPES[Path(name).suffix])


def page_response(content: str | bytes, mimetype: str) -> Response:
    """Return a page or a file, or 304 if the client has it."""
    response = Response(content, headers=HEADERS, mimetype=mimetype)
    response.add_etag()
    response.make_conditional(request)
    # The server adds Date (RFC 9110, section 6.6.1).
    del response.headers["Date"]
    return response
