"""Output formats: a table for people, CSV for spreadsheets, JSON lines for programs."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from models.network import CLASSES
from service.command.files import Read

COLUMNS = ("file", "digit", "confidence", "prediction_set", "abstained")


class Format(NamedTuple):
    """The head of the output, and the line of each file; the number is the width of the longest name."""

    head: Callable[[int], str]
    line: Callable[[Read, int], str]


def plain(name: str) -> str:
    r"""Return a file name, with control characters escaped so that they do not reach the terminal.

    >>> plain("7.png"), plain("7\n.png")
    ('7.png', "'7\\n.png'")
    """
    return name if name.isprintable() else ascii(name)


def _cells(read: Read) -> list[object]:
    document = read.document
    prediction_set = " ".join(map(str, document["prediction_set"]))
    return [
        read.name,
        document["digit"],
        document["confidence"],
        prediction_set,
        "yes" if document["abstained"] else "no",
    ]


def _table_row(cells: Sequence[object], width: int) -> str:
    return "{:{width}}  {:>5}  {:>10}  {:14}  {}\n".format(*cells, width=width)


def _table_line(read: Read, width: int) -> str:
    name, digit, confidence, *rest = _cells(read)
    return _table_row([plain(str(name)), digit, f"{confidence:.5f}", *rest], width)


def _csv_row(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _csv_line(read: Read, _: int) -> str:
    return _csv_row([*_cells(read), *read.document["probabilities"]])


def _json_line(read: Read, _: int) -> str:
    return json.dumps({"file": read.name} | read.document) + "\n"


FORMATS = {
    "table": Format(lambda width: _table_row(COLUMNS, width), _table_line),
    "csv": Format(lambda _: _csv_row([*COLUMNS, *(f"p{digit}" for digit in range(CLASSES))]), _csv_line),
    "jsonl": Format(lambda _: "", _json_line),
}
