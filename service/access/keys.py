"""API keys: fixed ones from a setting, and those of a file that may change while the service runs.

A key is any word; commas, spaces and line ends separate several. The file is read again when a key is
checked a second or more after the last reading. So an operator rotates a key without a signal or a restart:
add the new key, move the clients to it, remove the old key. The modification time is not used: it is the same
for two writes within one tick of the system's clock, and reading the file is cheap. Of each key only its
SHA-256 is kept.
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

MAX_FILE_BYTES = 64 * 2**10
REREAD_SECONDS = 1.0
# 16 random letters and digits have 95 bits; a shorter key may be guessed.
MIN_CHARACTERS = 16
SEPARATORS = re.compile(rb"[\s,]+")

_log = logging.getLogger(__name__)


def parse_keys(text: bytes) -> list[bytes]:
    r"""Return the keys in a text.

    >>> parse_keys(b"first, second\nthird\n")
    [b'first', b'second', b'third']
    """
    return [key for key in SEPARATORS.split(text) if key]


def read_file(path: Path) -> list[bytes]:
    """Return the keys in a file; raises SettingsError if it can't be read or holds none."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"DIGITS_API_KEY_FILE: {path} can't be read: {error.strerror}") from None
    if len(text) > MAX_FILE_BYTES:
        raise SettingsError(f"DIGITS_API_KEY_FILE: {path} has more than {MAX_FILE_BYTES} bytes")
    if not (keys := parse_keys(text)):
        raise SettingsError(f"DIGITS_API_KEY_FILE: {path} holds no key: write one a line")
    return keys


@cache
def check_file(path: Path) -> None:
    """Raise SettingsError for a file that can't be used when the process starts.

    The result is cached: gunicorn runs its configuration again on a reload, and a file that is broken by then
    must not end a service that runs. The running service keeps the last keys instead.
    """
    read_file(path)


class Keys:
    """The valid API keys.

    >>> Keys("one two").owner("two") == sha256(b"two").digest(), Keys("one two").owner("three")
    (True, None)
    """

    def __init__(self, text: str, path: Path | None = None) -> None:
        """Take the keys of a text and of a file; raises SettingsError for a file without any."""
        fixed = parse_keys(text.encode("utf-8", "surrogateescape"))
        in_file = read_file(path) if path else []
        self.fixed = _digests(fixed)
        self.path, self.in_file = path, _digests(in_file)
        self.read_by, self.read_at, self.failure = os.getpid(), monotonic(), ""
        if short := sum(len(key) < MIN_CHARACTERS for key in fixed + in_file):
            count = f"{short} of {len(fixed + in_file)} API keys"
            _log.warning("%s have fewer than %d characters and may be guessed", count, MIN_CHARACTERS)

    def owner(self, key: str) -> bytes | None:
        """Return the SHA-256 of a valid key, which identifies its owner, or None for any other.

        The digest is compared with every key's, also after a match, so that the time tells nothing.
        """
        if self.path and monotonic() >= self.read_at + REREAD_SECONDS:
            self._reread(self.path)
        # WSGI decodes a header's bytes as Latin-1.
        digest = sha256(key.encode("latin-1", "replace")).digest()
        matches = [compare_digest(digest, valid) for valid in self.fixed + self.in_file]
        return digest if any(matches) else None

    def _reread(self, path: Path) -> None:
        """Replace the keys by those that are in the file now; keep them if the file can't be used.

        Keys that the parent process read are not kept: a worker that is forked later would accept keys that
        were removed since the start.
        """
        self.read_at = monotonic()
        if self.read_by != os.getpid():
            self.read_by, self.in_file = os.getpid(), []
        try:
            keys = _digests(read_file(path))
        except SettingsError as error:
            if self.failure != str(error):
                _log.error("%s; its last keys stay valid", error)
            self.failure = str(error)
            return
        if keys != self.in_file or self.failure:
            _log.info("DIGITS_API_KEY_FILE was read again; number of keys: %d", len(keys))
        self.in_file, self.failure = keys, ""


def _digests(keys: list[bytes]) -> list[bytes]:
    return [sha256(key).digest() for key in keys]
