"""Standard output: a line is written whole and at once, or dropped and counted."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.observability import nonblocking_stdout as output

LINE = "x" * 100


@contextmanager
def standard_output(descriptor: int) -> Iterator[None]:
    """Let standard output be this, for a while."""
    kept = os.dup(output.STANDARD_OUTPUT)
    os.dup2(descriptor, output.STANDARD_OUTPUT)
    try:
        yield
    finally:
        os.dup2(kept, output.STANDARD_OUTPUT)
        os.close(kept)


def dropped() -> float:
    """Return how many lines were dropped so far."""
    return output.DROPPED.numbers[0]


def fill() -> None:
    """Write until a line is dropped."""
    before = dropped()
    while dropped() == before:
        output.write(LINE)


def test_a_full_pipe_is_not_waited_for() -> None:
    """Lines beyond what a pipe holds are dropped, those within are whole; others' use of it is as it was."""
    reading, writing = os.pipe()
    with standard_output(writing):
        output.make_nonblocking()
        fill()
    assert os.get_blocking(writing)
    os.close(writing)
    with os.fdopen(reading) as file:
        lines = file.read().splitlines()
    assert set(lines) == {LINE}
    assert len(lines) * (len(LINE) + 1) > output.PIPE_BYTES / 2


def test_a_full_socket_is_not_waited_for() -> None:
    """A socket, which can't be opened anew, is not waited for either."""
    reading, writing = socket.socketpair()
    with reading, writing, standard_output(writing.fileno()):
        output.make_nonblocking()
        fill()


def test_a_reader_that_is_gone_is_no_error() -> None:
    """Each line is dropped, and counted."""
    reading, writing = os.pipe()
    with standard_output(writing):
        output.make_nonblocking()
        os.close(reading)
        before = dropped()
        output.write(LINE)
        assert dropped() == before + 1
    os.close(writing)


def test_a_file_is_left_as_it_is(tmp_path: Path) -> None:
    """Who writes to the same file, does so behind what is there."""
    with (tmp_path / "log").open("w+", encoding="utf-8") as file:
        with standard_output(file.fileno()):
            output.make_nonblocking()
            output.write("one")
            os.write(file.fileno(), b"two\n")
            output.write("three \ud800")
        file.seek(0)
        assert file.read() == "one\ntwo\nthree \\ud800\n"


@pytest.mark.parametrize("text", ["", "ä"])
def test_a_line_ends(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A line's end is written with it."""
    output.write(text)
    assert capfd.readouterr().out == f"{text}\n"
