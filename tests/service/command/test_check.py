"""The check: what would keep the service from starting as it is told to, a sentence each."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.command.check import errors
from service.settings import DEFAULT_MODEL
from tests.server import ROOT

ANY_PORT = {"DIGITS_PORT": "0"}


def test_nothing_is_wrong() -> None:
    """What ships is as it should be; names of others, and of this project's other programs, are theirs."""
    others = {"HOME": "/", "DIGITS_DATA_DIR": "/data", "DIGITS_REQUIRE_ALL": "1", "DIGIT_PORT": "?"}
    assert list(errors(ANY_PORT | others)) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DIGITS_WORKER", "is DIGITS_WORKERS meant?"),
        ("DIGITS_APIKEY", "is DIGITS_API_KEY meant?"),
        ("DIGITS_MAX_UPLOAD", "is DIGITS_MAX_UPLOAD_BYTES meant?"),
        ("DIGITS_XYZZY", "docs/settings.md lists them"),
    ],
)
def test_a_name_that_is_none(name: str, meant: str) -> None:
    """A slip leaves a setting at its default without a word: it is named, and what it resembles."""
    sentence, *more = errors(ANY_PORT | {name: "1"})
    assert not more
    assert sentence.startswith(f"{name} is no setting")
    assert sentence.endswith(meant)


def test_everything_at_once(tmp_path: Path) -> None:
    """Each thing has its sentence; a bad setting does not hide the next one, nor the weights and the port."""
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(DEFAULT_MODEL.read_bytes()[:-1000])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {
            "DIGITS_PORT": str(taken.getsockname()[1]),
            "DIGITS_THREADS": "0",
            "DIGITS_WORKERS": "many",
            "DIGITS_MODEL": str(damaged),
        }
        sentences = list(errors(environment))
    for sentence, words in zip(
        sentences,
        [
            "DIGITS_THREADS must be 1 or more, not 0",
            "DIGITS_WORKERS must be a whole number, not 'many'",
            f"{damaged}: expected a whole .npz",
            f"nothing can listen on 127.0.0.1, port {environment['DIGITS_PORT']}: Address already in use",
        ],
        strict=True,
    ):
        assert sentence.startswith(words)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost", "::1", "[::1]"])
def test_hosts(host: str) -> None:
    """Names and addresses of both kinds can be listened on."""
    assert list(errors(ANY_PORT | {"DIGITS_HOST": host})) == []


def test_a_host_that_is_elsewhere() -> None:
    """An address of another machine, and a name that there isn't, are said so."""
    for host in ("192.0.2.1", "nowhere.invalid"):
        (sentence,) = errors(ANY_PORT | {"DIGITS_HOST": host})
        assert sentence.startswith(f"nothing can listen on {host}, port 0: ")


def test_it_leaves_the_port_free() -> None:
    """To check twice is the same as to check once, and the port is free for the service then."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        assert list(errors({"DIGITS_PORT": str(port)})) == []
    socket.create_server(("127.0.0.1", port)).close()


def test_keys_and_the_second_port(tmp_path: Path) -> None:
    """A file without keys, and a port for metrics that is taken, are said so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        access = {"DIGITS_API_KEY_FILE": str(tmp_path / "keys"), "DIGITS_METRICS_PORT": str(port)}
        file, metrics = errors(ANY_PORT | access)
    assert file.endswith("keys can't be read: No such file or directory")
    assert metrics.startswith(f"nothing can listen on 127.0.0.1, port {port}: ")


@pytest.mark.parametrize(("value", "code"), [("0", 0), ("http", 1)])
def test_the_command(value: str, code: int) -> None:
    """Exit code 0 and a line, or 1 and the sentences on standard error."""
    environment = {"DIGITS_PORT": value}
    ended = subprocess.run(
        [sys.executable, "-m", "service", "check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code
    if code:
        assert ended.stderr.splitlines()[0] == "digits: DIGITS_PORT must be a whole number, not 'http'"
        assert ended.stdout == ""
    else:
        assert ended.stdout == f"settings, {DEFAULT_MODEL} and port 0: nothing is wrong\n"
        assert ended.stderr == ""
