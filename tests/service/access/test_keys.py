"""API keys: which are valid, and a file of keys that changes."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from service.access import keys
from service.access.keys import Keys
from service.settings import SettingsError

LONG = "a-key-of-some-length"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that advances when the test says so."""
    now = [100.0]
    monkeypatch.setattr(keys, "monotonic", lambda: now[0])

    def advance(seconds: float) -> None:
        now[0] += seconds

    return advance


def test_each_of_several_keys_is_valid_and_nothing_else() -> None:
    """Commas, spaces and line ends separate keys; a part of a key, a list of keys and nothing are invalid."""
    found = Keys("one,two three\n,sésame")
    right = ["one", "two", "three", "sésame".encode().decode("latin-1")]
    owners = [found.owner(key) for key in right]
    assert None not in owners
    assert len(set(owners)) == 4
    for wrong in ["", " ", "on", "ones", "ONE", "one,two", "one\n", "\xff", "☃"]:
        assert found.owner(wrong) is None


def test_every_key_is_compared_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first key, the last key and a wrong key take the same number of comparisons of equal length."""
    lengths: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr(keys, "compare_digest", compare)
    found = Keys("one two three")
    for given in ("one", "three", "x" * 5000):
        lengths.clear()
        found.owner(given)
        assert lengths == [(32, 32)] * 3


def test_a_file_is_read_again_after_a_second(tmp_path: Path, clock: Callable[[float], None]) -> None:
    """A second after the file changed, its new keys are valid, beside those of the setting."""
    path = tmp_path / "keys"
    path.write_text(f"{LONG}\n\n")
    found = Keys("fixed", path)
    assert found.owner(LONG)
    path.write_text("another\n")
    assert found.owner(LONG)
    clock(1)
    assert [bool(found.owner(key)) for key in ("fixed", "another", LONG, "")] == [True, True, False, False]


def test_a_change_that_no_time_shows_is_seen(tmp_path: Path, clock: Callable[[float], None]) -> None:
    """A file rewritten with the same length and modification time is read again, too."""
    path = tmp_path / "keys"
    path.write_text("first-key")
    found, before = Keys("", path), path.stat()
    path.write_text("other-key")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    clock(1)
    assert found.owner("other-key")
    assert not found.owner("first-key")


def test_a_slip_locks_nobody_out(
    tmp_path: Path, clock: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    """While the file is empty, missing or too large, its last keys stay valid; each failure is logged."""
    path = tmp_path / "keys"
    path.write_text(LONG)
    found = Keys("", path)
    for break_file in (path.unlink, lambda: path.write_text(" \n"), lambda: path.write_text("k" * 70_000)):
        break_file()
        for _ in range(3):
            clock(1)
            assert found.owner(LONG)
    assert len(caplog.records) == 3
    for record, words in zip(
        caplog.records, ["can't be read: No such", "no key", "65536 bytes"], strict=True
    ):
        assert words in record.getMessage()
        assert "stay" in record.getMessage()
    path.write_text("another")
    clock(1)
    assert found.owner("another")
    assert not found.owner(LONG)


def test_a_new_worker_trusts_no_old_reading(
    tmp_path: Path, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that can't read the file accepts none of the keys that its parent had read."""
    path = tmp_path / "keys"
    path.write_text(LONG)
    found = Keys("fixed", path)
    path.unlink()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    clock(1)
    assert not found.owner(LONG)
    assert found.owner("fixed")


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "can't be read: No such file"), ("\n , \n", "holds no key"), ("k" * 65_537, "more than 65536")],
    ids=["missing", "empty", "large"],
)
def test_an_unusable_file_is_refused_at_the_start(tmp_path: Path, content: str | None, words: str) -> None:
    """The error names the file and the reason, and nothing of its content."""
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=words) as refused:
        Keys("", path)
    assert "kkk" not in str(refused.value)


def test_short_keys_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """The log says how many keys have fewer than 16 characters, and shows none of them."""
    Keys("a-key-of-16-char")
    assert not caplog.records
    Keys(f"short {LONG}")
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()[:10]) == (logging.WARNING, "1 of 2 API")
    assert "short" not in record.getMessage()
