"""Files → answers, without a server and by the functions that it has.

files_in     what was named → files; a folder stands for the PNGs in it
answers      bytes → decode → normalise → the network, many at a time → what the service would say
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
# As many as go through the network together.
BATCH = 64


class Answer(NamedTuple):
    """What the service would say of a file, and the 28 × 28 that the network saw."""

    name: str
    document: dict[str, Any]
    seen: Grey


class Unread(NamedTuple):
    """A file that could not be read, or a folder, and why."""

    name: str
    reason: str


def files_in(names: Iterable[str]) -> list[str | Unread]:
    """Return the files that are meant: for a folder those in it and in its folders, *.png, sorted."""
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


def answers(files: Iterable[str | Unread], model: Model, settings: Settings) -> Iterator[Answer | Unread]:
    """Yield the answer to each file, in order, or why there is none."""
    remaining = iter(files)
    while batch := list(islice(remaining, BATCH)):
        yield from _answer(batch, model, settings)


def _answer(files: list[str | Unread], model: Model, settings: Settings) -> list[Answer | Unread]:
    opened = [file if isinstance(file, Unread) else _open(file, settings) for file in files]
    images = [seen for _, seen in (entry for entry in opened if not isinstance(entry, Unread))]
    _, decision = read(model, np.array(images, np.uint8).reshape(-1, SIDE, SIDE))
    about = {"model": {key: model.metadata[key] for key in ("name", "version")}}
    documents = iter([describe(Decision(*row)) | about for row in zip(*decision, strict=True)])
    return [
        entry if isinstance(entry, Unread) else Answer(entry[0], next(documents), entry[1])
        for entry in opened
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
    """Return what is in a file; raises InvalidImage for more than a request may hold, and OSError."""
    if name == STANDARD_INPUT:
        png = sys.stdin.buffer.read(most + 1)
    else:
        with Path(name).open("rb") as file:
            png = file.read(most + 1)
    if len(png) > most:
        raise InvalidImage("too_many_bytes", f"The file has more than {most} bytes.")
    return png
