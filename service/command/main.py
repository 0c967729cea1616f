"""What can be asked for on the command line, and what is done then."""

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from models.store import WeightsError, load_classifier
from service.command.check import wrong
from service.command.files import Answer, Unread, answers, files_in
from service.command.formats import FORMATS, plain
from service.command.progress import Progress
from service.images.codec import encode
from service.settings import Settings, SettingsError


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say, and return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except (SettingsError, WeightsError, OSError) as error:
        _complain(f"digits: {error}")
        return 2


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m service", description="Read handwritten digits, without a server.")
    commands = parser.add_subparsers(required=True, metavar="predict|check")
    predicting = commands.add_parser("predict", help="read the digits in PNG files")
    predicting.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a PNG; a folder, for all *.png under it; - for standard input",
    )
    predicting.add_argument(
        "--format", choices=FORMATS, default="table", help="how to write (default: table)"
    )
    predicting.add_argument(
        "--receipt", type=Path, metavar="DIR", help="write what the network saw, as PNGs, into a new folder"
    )
    predicting.set_defaults(run=predict)
    checking = commands.add_parser("check", help="say what would keep the service from starting as told")
    checking.set_defaults(run=check)
    return parser


def predict(given: Namespace) -> int:
    """Write the answer to each file; what can't be read is named on standard error."""
    settings = Settings.from_environment(os.environ)
    model = load_classifier(settings.model)
    if given.receipt:
        _make_empty(given.receipt)
    files, progress, unread = files_in(given.files), Progress(), 0
    width = max(len(plain(file if isinstance(file, str) else file.name)) for file in files)
    form = FORMATS[given.format]
    sys.stdout.write(form.head(width))
    for number, entry in enumerate(answers(progress.through(files), model, settings), 1):
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
    """Make a folder if it is not there; raises FileExistsError if there is anything in it."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: what the network saw goes into a folder of its own")


def _write_receipt(folder: Path, number: int, answer: Answer) -> None:
    """Write what the network saw under the file's number, for files of several folders may share a name."""
    (folder / f"{number:05}-{Path(answer.name).stem}.png").write_bytes(encode(answer.seen))


def _complain(sentence: str) -> None:
    """Write on standard error, in its place among what was written on standard output."""
    sys.stdout.flush()
    sys.stderr.write(f"{sentence}\n")


def check(_: Namespace) -> int:
    """Say what is wrong, if anything is."""
    sentences = list(wrong(os.environ))
    for sentence in sentences:
        _complain(f"digits: {sentence}")
    if not sentences:
        settings = Settings.from_environment(os.environ)
        sys.stdout.write(f"settings, {settings.model} and port {settings.port}: nothing is wrong\n")
    return 1 if sentences else 0
