"""The commands, their options, and what they do."""

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from models.store import WeightsError, load_classifier
from service.command.files import Read, Unread, files_in, predictions
from service.command.formats import FORMATS, plain
from service.command.progress import Progress
from service.images.codec import encode
from service.settings import Settings, SettingsError


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except (SettingsError, WeightsError, OSError) as error:
        _complain(f"digits: {error}")
        return 2


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "python -m service",
        description="Read handwritten digits without a server, and check the configuration.",
    )
    commands = parser.add_subparsers(required=True, metavar="predict|check")
    predicting = commands.add_parser("predict", help="read the digits in PNG files")
    predicting.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a PNG file, a folder (all *.png in it and its subfolders), or - for standard input",
    )
    predicting.add_argument(
        "--format", choices=FORMATS, default="table", help="output format (default: table)"
    )
    predicting.add_argument(
        "--receipt",
        type=Path,
        metavar="DIR",
        help="also write each network input as a PNG to this folder, which must be new or empty",
    )
    predicting.set_defaults(run=predict)
    checking = commands.add_parser("check", help="validate settings, weights, keys and ports")
    checking.set_defaults(run=check)
    return parser


def predict(given: Namespace) -> int:
    """Print the result for each file; report unreadable files on standard error."""
    settings = Settings.from_environment(os.environ)
    model = load_classifier(settings.model)
    if given.receipt:
        _make_empty(given.receipt)
    files, progress, unread = files_in(given.files), Progress(), 0
    width = max(len(plain(file if isinstance(file, str) else file.name)) for file in files)
    form = FORMATS[given.format]
    sys.stdout.write(form.head(width))
    for number, entry in enumerate(predictions(progress.through(files), model, settings), 1):
        progress.erase()
        if isinstance(entry, Unread):
            unread += 1
            _complain(f"{plain(entry.name)}: {entry.reason}")
            continue
        sys.stdout.write(form.line(entry, width))
        if given.receipt:
            _write_receipt(given.receipt, number, entry)
    return 1 if unread else 0


def _make_empty(folder: Path) -> None:
    """Create a folder if necessary. Raises FileExistsError if it is not empty."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: --receipt needs a new or empty folder")


def _write_receipt(folder: Path, number: int, read: Read) -> None:
    """Write the network's input; a number in its name tells files of several folders apart."""
    (folder / f"{number:05}-{Path(read.name).stem}.png").write_bytes(encode(read.image))


def _complain(sentence: str) -> None:
    """Write a sentence to standard error, in order with standard output."""
    sys.stdout.flush()
    sys.stderr.write(f"{sentence}\n")


def check(_: Namespace) -> int:
    """Print all errors of the configuration."""
    # It knows the service's headers, and so imports Flask, which `predict` does without.
    from service.command.check import errors  # noqa: PLC0415 - see above

    sentences = list(errors(os.environ))
    for sentence in sentences:
        _complain(f"digits: {sentence}")
    if not sentences:
        settings = Settings.from_environment(os.environ)
        sys.stdout.write(f"no errors in the settings, {settings.model} and port {settings.port}\n")
    return 1 if sentences else 0
