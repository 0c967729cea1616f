"""The body of a request → the PNGs in it, within the limits."""

from io import BytesIO
from typing import Any, BinaryIO, cast

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser

from service.api.multipart import checked, files_in
from service.problems import Problem
from service.settings import Settings

# A form may have as many fields as it may have files.
PARTS_PER_IMAGE = 2
FORMS = "Send one PNG as the body (Content-Type: image/png), or files as multipart/form-data."


def read_pngs(request: Request, settings: Settings) -> list[bytes]:
    """Return the files in the body, in its order.

    Raises Problem when the body is missing, too large, of another type, or holds no file.
    """
    environ = request.environ
    body = read_body(environ, settings.max_upload_bytes)
    if not body:
        raise Problem("empty_body", f"The body is empty. {FORMS}")
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type == "image/png":
        return [body]
    pngs = files_in(body, content_type)
    if pngs is None:
        pngs = _read_unusual(request, body, settings)
    if not pngs:
        raise Problem("no_files", f"The form holds no file. {FORMS}")
    if len(pngs) > settings.max_images:
        raise _too_many(settings)
    return pngs


def read_body(environ: dict[str, Any], most: int) -> bytes:
    """Return the whole body, which is no longer than its length says: the server has seen to that.

    Raises Problem when it has more than `most` bytes, or its length is not said.
    """
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise Problem("no_length", "Send the body whole, with its size in the header Content-Length.")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > most:
        raise Problem("too_many_bytes", f"The body has {length} bytes; at most {most} are read.")
    return cast("bytes", environ["wsgi.input"].read(length))


def _read_unusual(request: Request, body: bytes, settings: Settings) -> list[bytes]:
    """Read a body whose type or form is written in a less common way."""
    match request.mimetype:
        case "image/png":
            return [body]
        case "multipart/form-data":
            return _read_parts(request, body, settings)
        case other:
            raise Problem("not_png", f"Content-Type {other or 'missing'!r} is not read. {FORMS}")


def _read_parts(request: Request, body: bytes, settings: Settings) -> list[bytes]:
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    most_parts = PARTS_PER_IMAGE * settings.max_images
    if boundary and body.count(b"--" + boundary) > most_parts + 1:
        raise _too_many(settings)
    parser = MultiPartParser(
        stream_factory=_in_memory,
        max_form_memory_size=settings.max_upload_bytes,
        max_form_parts=most_parts,
        cls=list,  # type: ignore[arg-type]  # a MultiDict would group the files by field and lose their order
    )
    try:
        form = checked(body, boundary)
        parsed = parser.parse(BytesIO(form), boundary, len(form))
    except RequestEntityTooLarge:
        raise _too_many(settings) from None
    except ValueError as error:
        raise Problem("broken_multipart", f"The multipart body can't be read: {error}.") from error
    files = cast("list[tuple[str, FileStorage]]", parsed[1])
    return [file.read() for _, file in files]


def _too_many(settings: Settings) -> Problem:
    return Problem("too_many_images", f"At most {settings.max_images} files are read in one request.")


def _in_memory(*_: object, **__: object) -> BinaryIO:
    """Keep a part in memory: the body is bounded, and the file system may be read-only."""
    return BytesIO()
