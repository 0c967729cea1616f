"""Predictions for files, by the same code as in the service.

files_in       file names and folders → files; a folder stands for all PNGs in it
predictions    bytes → decode → normalise → the network, a batch at a time → the service's response
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.decision import Decision, describe, read
from models.store import Model
from service.images.codec import Grey, InvalidImage, decode
from service.images.normalise import SIDE, normalise
from service.settings import Settings

STANDARD_INPUT = "-"
# Images that go through the network together.
BATCH = 64


class Read(NamedTuple):
    """The service's response for a file, and the network's input uint8 (28, 28)."""

    name: str
    document: dict[str, Any]
    image: Grey


class Unread(NamedTuple):
    """A file or folder that could not be read, and the reason."""

    name: str
    reason: str


def files_in(names: Iterable[str]) -> list[str | Unread]:
    """Return the files; a folder is replaced by all *.png in it and in its subfolders, sorted."""
    files: list[str | Unread] = []
    for name in names:
        files += _pngs_under(name) if Path(name).is_dir() else [name]
    return files


def _pngs_under(folder: str) -> Sequence[str | Unread]:
    errors: list[OSError] = []
    walk = os.walk(folder, onerror=errors.append)
    paths = [Path(where, file) for where, _, files in walk for file in files]
    pngs = sorted(str(path) for path in paths if path.suffix.lower() == ".png")
    unread = [Unread(error.filename, error.strerror or str(error)) for error in errors]
    return [*pngs, *unread] or [Unread(folder, "There is no *.png in this folder.")]


def predictions(files: Iterable[str | Unread], model: Model, settings: Settings) -> Iterator[Read | Unread]:
    """Yield the result for each file, in order."""
    remaining = iter(files)
    while batch := list(islice(remaining, BATCH)):
        yield from _predict(batch, model, settings)


def _predict(files: list[str | Unread], model: Model, settings: Settings) -> list[Read | Unread]:
    opened = [file if isinstance(file, Unread) else _open(file, settings) for file in files]
    images = [image for _, image in (entry for entry in opened if not isinstance(entry, Unread))]
    _, decision = read(model, np.array(images, np.uint8).reshape(-1, SIDE, SIDE))
    about = {"model": {key: model.metadata[key] for key in ("name", "version")}}
    documents = iter([describe(Decision(*row)) | about for row in zip(*decision, strict=True)])
    return [
        entry if isinstance(entry, Unread) else Read(entry[0], next(documents), entry[1]) for entry in opened
    ]


def _open(name: str, settings: Settings) -> tuple[str, Grey] | Unread:
    try:
        png = _read_bytes(name, settings.max_upload_bytes)
        return name, normalise(decode(png, settings.max_pixels))[0]
    except InvalidImage as error:
        return Unread(name, str(error))
    except OSError as error:
        return Unread(name, error.strerror or str(error))


def _read_bytes(name: str, most: int) -> bytes:
    """Return the content of a file. Raises OSError; InvalidImage if it is larger than an upload may be."""
    if name == STANDARD_INPUT:
        png = sys.stdin.buffer.read(most + 1)
    else:
        with Path(name).open("rb") as file:
            png = file.read(most + 1)
    if len(png) > most:
        raise InvalidImage("too_many_bytes", f"The file has more than {most} bytes.")
    return png
