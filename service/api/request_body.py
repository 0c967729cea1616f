"""The body of a request, read within the limits, and the image files in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from service.api.multipart import read_any_form, read_common_form
from service.observability import metrics
from service.problems import Problem
from service.settings import Settings

# Besides its files, a form may have as many fields that are not files.
PARTS_PER_IMAGE = 2
ACCEPTED = "Send one PNG as the body (Content-Type: image/png), or files as multipart/form-data."


@contextmanager
def counting_refusals() -> Iterator[None]:
    """Count a Problem that is raised in the block, by its reason."""
    try:
        yield
    except Problem as problem:
        metrics.REJECTION[problem.reason].inc()
        raise


def read_pngs(request: Request, settings: Settings) -> list[bytes]:
    """Return the files in the body, in order.

    Raises Problem if the body is missing, too large, of another type, or holds no file.
    """
    environ = request.environ
    body = read_body(environ, settings.max_upload_bytes)
    if not body:
        raise Problem("empty_body", f"The body is empty. {ACCEPTED}")
    content_type = environ.get("CONTENT_TYPE", "")
    files = [body] if content_type == "image/png" else read_common_form(body, content_type)
    if files is None:
        files = _read_by_mimetype(request, body, settings)
    if not files:
        raise Problem("no_files", f"The form contains no file. {ACCEPTED}")
    if len(files) > settings.max_images:
        raise too_many_images(settings)
    return files


def read_body(environ: dict[str, Any], max_bytes: int) -> bytes:
    """Return the whole body; the server ensures that it is as long as its Content-Length says.

    Raises Problem if it has more than max_bytes bytes, or no Content-Length.
    """
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise Problem("no_length", "Send the body with a Content-Length, not in chunks.")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > max_bytes:
        raise Problem("too_many_bytes", f"The body has {length} bytes; at most {max_bytes} are accepted.")
    return cast("bytes", environ["wsgi.input"].read(length))


def too_many_images(settings: Settings) -> Problem:
    """Return the refusal of a request with too many images."""
    return Problem("too_many_images", f"At most {settings.max_images} images are accepted in one request.")


def _read_by_mimetype(request: Request, body: bytes, settings: Settings) -> list[bytes]:
    """Read a body whose Content-Type or form is written in a less common way."""
    mimetype = request.mimetype
    if mimetype == "image/png":
        return [body]
    if mimetype != "multipart/form-data":
        found = f"Content-Type {mimetype!r} is not supported" if mimetype else "The Content-Type is missing"
        raise Problem("not_png", f"{found}. {ACCEPTED}")
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    try:
        return read_any_form(body, boundary, PARTS_PER_IMAGE * settings.max_images)
    except RequestEntityTooLarge:
        raise too_many_images(settings) from None
    except ValueError as error:
        raise Problem("broken_multipart", f"The multipart body can't be read: {error}.") from error
