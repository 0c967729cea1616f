"""API keys: those of a setting, and those of a file that may change while the service runs.

A key is any word; several are separated by commas, spaces or line ends. A file is read again a second after
it was read last, if a key is asked for by then. So a key is rotated without a signal and a new worker: put
the new one beside the old one, tell the clients, take the old one away. To read it costs less than to tell
whether it changed: what is written anew within one tick of the system's clock looks the same. What is kept
of a key is its SHA-256.
"""

import logging
import os
import re
from functools import cache
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from time import monotonic

from service.settings import SettingsError

MOST_FILE_BYTES = 64 * 2**10
READ_AGAIN_SECONDS = 1.0
# Below this, a key may be guessed: 16 random letters and digits have 95 bits.
LEAST_CHARACTERS = 16
SEPARATORS = re.compile(rb"[\s,]+")

_log = logging.getLogger(__name__)


def words(text: bytes) -> list[bytes]:
    r"""Return the keys in a text.

    >>> words(b"first, second\nthird\n")
    [b'first', b'second', b'third']
    """
    return [word for word in SEPARATORS.split(text) if word]


def read_file(path: Path) -> list[bytes]:
    """Return the keys in a file; raises SettingsError when it can't be read or holds none."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"DIGITS_API_KEY_FILE: {path} can't be read: {error.strerror}") from None
    if len(text) > MOST_FILE_BYTES:
        raise SettingsError(f"DIGITS_API_KEY_FILE: {path} has more than {MOST_FILE_BYTES} bytes")
    if not (found := words(text)):
        raise SettingsError(f"DIGITS_API_KEY_FILE: {path} holds no key: write one a line")
    return found


@cache
def check_file(path: Path) -> None:
    """Raise SettingsError for a file that can't be used at the start.

    Only then: a reload finds the same answer, so that a slip made later ends nothing that runs.
    """
    read_file(path)


class Keys:
    """The keys that open a door.

    >>> Keys("one two").owner("two") == sha256(b"two").digest(), Keys("one two").owner("three")
    (True, None)
    """

    def __init__(self, text: str, path: Path | None = None) -> None:
        """Take the keys of a text and a file; raises SettingsError for a file without any."""
        given = words(text.encode("utf-8", "surrogateescape"))
        in_file = read_file(path) if path else []
        self.fixed = _digests(given)
        self.path, self.of_file = path, _digests(in_file)
        self.read_by, self.read_at, self.failure = os.getpid(), monotonic(), ""
        if short := sum(len(key) < LEAST_CHARACTERS for key in given + in_file):
            few = f"{short} of {len(given + in_file)} API keys have fewer than {LEAST_CHARACTERS} characters"
            _log.warning("%s: such may be guessed", few)

    def owner(self, given: str) -> bytes | None:
        """Return what a key's owner is known by, its SHA-256, if it is one of the keys.

        Each is compared, the right one too, and digests are of one length: the time tells nothing.
        """
        if self.path and monotonic() >= self.read_at + READ_AGAIN_SECONDS:
            self._read_again(self.path)
        # WSGI hands over a header's bytes as Latin-1.
        digest = sha256(given.encode("latin-1", "replace")).digest()
        right = [compare_digest(digest, key) for key in self.fixed + self.of_file]
        return digest if any(right) else None

    def _read_again(self, path: Path) -> None:
        """Take what is in the file now; while that is nothing, keep what was in it.

        But not what another process read: a worker that comes later would open the door to keys that were
        taken away since the start.
        """
        self.read_at = monotonic()
        if self.read_by != os.getpid():
            self.read_by, self.of_file = os.getpid(), []
        try:
            found = _digests(read_file(path))
        except SettingsError as error:
            if self.failure != str(error):
                _log.error("%s; the keys that were in it stay", error)
            self.failure = str(error)
            return
        if found != self.of_file or self.failure:
            _log.info("DIGITS_API_KEY_FILE was read again: it holds %d", len(found))
        self.of_file, self.failure = found, ""


def _digests(keys: list[bytes]) -> list[bytes]:
    return [sha256(key).digest() for key in keys]
