"""A progress line on standard error, if that is a terminal; it is erased before any other output."""

import sys
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TypeVar

Entry = TypeVar("Entry")

WIDTH = 40
# A shorter run shows no line.
PATIENCE_SECONDS = 0.5
REDRAW_SECONDS = 0.1
ERASE = "\r\x1b[K"


class Progress:
    """The progress line."""

    def __init__(self) -> None:
        """Check whether standard error is a terminal."""
        self.wanted = sys.stderr.isatty()
        self.drawn = False

    def through(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Yield the entries, and draw how many of them are done."""
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
        """Erase the line."""
        if self.drawn:
            self._write(ERASE)
            self.drawn = False

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
