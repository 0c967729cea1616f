"""`python -m service check`: a sentence for each error of the configuration."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.command.check import errors
from service.settings import DEFAULT_MODEL
from tests.server import ROOT

ANY_PORT = {"DIGITS_PORT": "0"}


def test_valid_configuration() -> None:
    """The defaults are valid; variables of other programs, this project's included, are ignored."""
    others = {"HOME": "/", "DIGITS_DATA_DIR": "/data", "DIGITS_REQUIRE_ALL": "1", "DIGIT_PORT": "?"}
    assert list(errors(ANY_PORT | others)) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DIGITS_WORKER", "did you mean DIGITS_WORKERS?"),
        ("DIGITS_APIKEY", "did you mean DIGITS_API_KEY?"),
        ("DIGITS_MAX_UPLOAD", "did you mean DIGITS_MAX_UPLOAD_BYTES?"),
        ("DIGITS_XYZZY", "docs/settings.md lists all settings"),
    ],
)
def test_unknown_name(name: str, meant: str) -> None:
    """A misspelt setting is an error that suggests the most similar name."""
    sentence, *more = errors(ANY_PORT | {name: "1"})
    assert not more
    assert sentence.startswith(f"unknown setting {name}: ")
    assert sentence.endswith(meant)


def test_all_errors_at_once(tmp_path: Path) -> None:
    """Each error has its sentence; an invalid setting does not hide errors of others, weights and port."""
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
            f"can't listen on 127.0.0.1, port {environment['DIGITS_PORT']}: Address already in use",
        ],
        strict=True,
    ):
        assert sentence.startswith(words)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost", "::1", "[::1]"])
def test_hosts(host: str) -> None:
    """Host names and addresses of IPv4 and IPv6 are valid."""
    assert list(errors(ANY_PORT | {"DIGITS_HOST": host})) == []


def test_foreign_host() -> None:
    """An address of another machine and an unknown name are errors."""
    for host in ("192.0.2.1", "nowhere.invalid"):
        (sentence,) = errors(ANY_PORT | {"DIGITS_HOST": host})
        assert sentence.startswith(f"can't listen on {host}, port 0: ")


def test_port_stays_free() -> None:
    """The check can be repeated, and leaves the port free for the service."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        assert list(errors({"DIGITS_PORT": str(port)})) == []
    socket.create_server(("127.0.0.1", port)).close()


def test_keys_and_the_second_port(tmp_path: Path) -> None:
    """A missing file of API keys and a metrics port in use are errors."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        access = {"DIGITS_API_KEY_FILE": str(tmp_path / "keys"), "DIGITS_METRICS_PORT": str(port)}
        file, metrics = errors(ANY_PORT | access)
    assert file.endswith("keys can't be read: No such file or directory")
    assert metrics.startswith(f"can't listen on 127.0.0.1, port {port}: ")


@pytest.mark.parametrize(("value", "code"), [("0", 0), ("http", 1)])
def test_exit_codes(value: str, code: int) -> None:
    """The exit code is 0 after a line on standard output, or 1 after sentences on standard error."""
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
        assert ended.stdout == f"no errors in the settings, {DEFAULT_MODEL} and port 0\n"
        assert ended.stderr == ""
