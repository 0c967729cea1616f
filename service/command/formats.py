"""How answers are written: a table for people, CSV for spreadsheets, JSON lines for programs."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from models.network import CLASSES
from service.command.files import Answer

COLUMNS = ("file", "digit", "confidence", "prediction_set", "abstained")


class Format(NamedTuple):
    """What is written before the answers, and for each; the number is the longest name's width."""

    head: Callable[[int], str]
    line: Callable[[Answer, int], str]


def plain(name: str) -> str:
    r"""Return a file's name so that it can do nothing to a terminal.

    >>> plain("7.png"), plain("7\n.png")
    ('7.png', "'7\\n.png'")
    """
    return name if name.isprintable() else ascii(name)


def _cells(answer: Answer) -> list[object]:
    said = answer.document
    prediction_set = " ".join(map(str, said["prediction_set"]))
    return [
        answer.name,
        said["digit"],
        said["confidence"],
        prediction_set,
        "yes" if said["abstained"] else "no",
    ]


def _table_row(cells: Sequence[object], width: int) -> str:
    return "{:{width}}  {:>5}  {:>10}  {:14}  {}\n".format(*cells, width=width)


def _table_line(answer: Answer, width: int) -> str:
    name, digit, confidence, *rest = _cells(answer)
    return _table_row([plain(str(name)), digit, f"{confidence:.5f}", *rest], width)


def _csv_row(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _csv_line(answer: Answer, _: int) -> str:
    return _csv_row([*_cells(answer), *answer.document["probabilities"]])


def _json_line(answer: Answer, _: int) -> str:
    return json.dumps({"file": answer.name} | answer.document) + "\n"


FORMATS = {
    "table": Format(lambda width: _table_row(COLUMNS, width), _table_line),
    "csv": Format(lambda _: _csv_row([*COLUMNS, *(f"p{digit}" for digit in range(CLASSES))]), _csv_line),
    "jsonl": Format(lambda _: "", _json_line),
}
