"""A reader of plain YAML: block mappings and lists, strings, lists in brackets. deploy/ needs no more.

It refuses what it doesn't know, so that it never reads something else than Prometheus and Compose do. Every
scalar stays a string: "8080" and 8080 are one here.
"""

import json
import re
from pathlib import Path
from typing import Any

KEY = re.compile(r"([\w./-]+):(?: +(.*))?$")
SPECIAL = tuple("&*!{%@`?")


class _Lines:
    """What is left to read: (indentation, text) of each line that says something."""

    def __init__(self, text: str) -> None:
        bare = [(len(line) - len(line.lstrip()), line.strip()) for line in text.splitlines()]
        self.rest = [(depth, line) for depth, line in bare if line and not line.startswith("#")]

    def depth(self) -> int:
        """Return the next line's indentation; -1 at the end."""
        return self.rest[0][0] if self.rest else -1


def read(path: Path) -> Any:  # noqa: ANN401 - a document may be anything
    """Read a file."""
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Any:  # noqa: ANN401 - the same
    r"""Read a document.

    >>> parse("a: 1\nb:\n  - c: [x, 'y z']\n    d: >-\n      one\n      two\n  - e # no more\n")
    {'a': '1', 'b': [{'c': ['x', 'y z'], 'd': 'one two'}, 'e']}
    >>> parse("a: &b 1")
    Traceback (most recent call last):
    ValueError: not plain YAML: '&b 1'
    """
    lines = _Lines(text)
    document = _block(lines, 0)
    if lines.rest:
        raise ValueError(f"not plain YAML: {lines.rest[0][1]!r}")
    return document


def _block(lines: _Lines, depth: int) -> Any:  # noqa: ANN401 - the same
    """Read a mapping or a list whose entries stand at this depth."""
    if lines.rest[0][1].startswith("- "):
        entries = []
        while lines.depth() == depth and lines.rest[0][1].startswith("- "):
            lines.rest[0] = (depth + 2, lines.rest[0][1][2:].lstrip())
            head = lines.rest[0][1]
            entries.append(_block(lines, depth + 2) if KEY.match(head) else _scalar(lines.rest.pop(0)[1]))
        return entries
    mapping: dict[str, Any] = {}
    while lines.depth() == depth and (found := KEY.match(lines.rest[0][1])):
        key, value = found.groups()
        if key in mapping:
            raise ValueError(f"twice in one mapping: {key}")
        lines.rest.pop(0)
        mapping[key] = _value(lines, depth, value or "")
    return mapping


def _value(lines: _Lines, depth: int, value: str) -> Any:  # noqa: ANN401 - the same
    """Read what belongs to a key: what stands behind it, or what stands below, deeper."""
    if value in (">-", "|-"):
        block = []
        while lines.depth() > depth:
            block.append(lines.rest.pop(0)[1])
        return (" " if value == ">-" else "\n").join(block)
    if value:
        return _scalar(value)
    return _block(lines, lines.depth()) if lines.depth() > depth else None


def _scalar(text: str) -> Any:  # noqa: ANN401 - the same
    if text.startswith("'"):
        found = re.fullmatch(r"'([^']*)'(?: +#.*)?", text)
    elif text.startswith('"'):
        found = re.fullmatch(r'("(?:[^"\\]|\\.)*")(?: +#.*)?', text)
        return json.loads(found[1]) if found else _refuse(text)
    elif text.startswith("["):
        found = re.fullmatch(r"\[(.*)\](?: +#.*)?", text)
        # A comma in quotes divides nothing.
        parts = re.findall(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^,]+)""", found[1]) if found else _refuse(text)
        return [_scalar(part.strip()) for part in parts]
    else:
        found = re.fullmatch(r"(.*?)(?: +#.*)?", text)
    if not found or text.startswith(SPECIAL) or (text[0] != "'" and ": " in found[1]):
        return _refuse(text)
    return found[1]


def _refuse(text: str) -> Any:  # noqa: ANN401 - it never returns
    raise ValueError(f"not plain YAML: {text!r}")
