"""The body of a request → the PNGs in it, within the limits."""

from io import BytesIO
from typing import BinaryIO, cast

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser

from service.problems import Problem
from service.settings import Settings

FORMS = "Send one PNG as the body (Content-Type: image/png), or files as multipart/form-data."


def read_pngs(request: Request, settings: Settings) -> list[bytes]:
    """Return the files in the body, in its order.

    Raises Problem when the body is missing, too large, of another type, or holds no file.
    """
    _check_length(request, settings.max_upload_bytes)
    match request.mimetype:
        case "image/png":
            return [request.get_data()]
        case "multipart/form-data":
            return _read_parts(request, settings)
        case other:
            raise Problem("not_png", f"Content-Type {other or 'missing'!r} is not read. {FORMS}")


def _check_length(request: Request, most: int) -> None:
    if "Transfer-Encoding" in request.headers:
        raise Problem("no_length", "Send the body whole, with its size in the header Content-Length.")
    length = request.content_length or 0
    if length == 0:
        raise Problem("empty_body", f"The body is empty. {FORMS}")
    if length > most:
        raise Problem("too_many_bytes", f"The body has {length} bytes; at most {most} are read.")


def _read_parts(request: Request, settings: Settings) -> list[bytes]:
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    parser = MultiPartParser(
        stream_factory=_in_memory,
        max_form_memory_size=settings.max_upload_bytes,
        max_form_parts=2 * settings.max_images,
        cls=list,  # type: ignore[arg-type]  # a MultiDict would group the files by field and lose their order
    )
    try:
        parsed = parser.parse(request.stream, boundary, request.content_length)
    except RequestEntityTooLarge:
        raise _too_many(settings) from None
    except ValueError as error:
        raise Problem("broken_multipart", f"The multipart body can't be read: {error}.") from error
    files = cast("list[tuple[str, FileStorage]]", parsed[1])
    pngs = [file.read() for _, file in files]
    if not pngs:
        raise Problem("no_files", f"The form holds no file. {FORMS}")
    if len(pngs) > settings.max_images:
        raise _too_many(settings)
    return pngs


def _too_many(settings: Settings) -> Problem:
    return Problem("too_many_images", f"At most {settings.max_images} files are read in one request.")


def _in_memory(*_: object, **__: object) -> BinaryIO:
    """Keep a part in memory: the body is bounded, and the file system may be read-only."""
    return BytesIO()
