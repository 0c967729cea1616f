"""How far it is, on standard error if that is a terminal: one line, erased before anything else is said."""

import sys
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TypeVar

Entry = TypeVar("Entry")

WIDTH = 40
# What is done by then needs no line.
PATIENCE_SECONDS = 0.5
REDRAW_SECONDS = 0.1
ERASE = "\r\x1b[K"


class Progress:
    """The line, where somebody looks."""

    def __init__(self) -> None:
        """Draw nothing yet."""
        self.wanted = sys.stderr.isatty()
        self.drawn = False

    def through(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Yield the entries, and draw how many have been."""
        next_draw = monotonic() + PATIENCE_SECONDS
        for number, entry in enumerate(entries):
            if self.wanted and monotonic() >= next_draw:
                next_draw = monotonic() + REDRAW_SECONDS
                self._draw(number, len(entries))
            yield entry
        self.erase()

    def _draw(self, number: int, total: int) -> None:
        done = WIDTH * number // total
        self._write(f"{ERASE}[{'#' * done:{WIDTH}}] {number} of {total}")
        self.drawn = True

    def erase(self) -> None:
        """Make room for something else to be written."""
        if self.drawn:
            self._write(ERASE)
            self.drawn = False

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
