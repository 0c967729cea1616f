"""Small data for training: real digits, and IDX files of them."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from training.data.mnist import SHA256, Examples, Split

# Doctest would import it, and it needs PyTorch.
collect_ignore = ["oracle/pytorch.py"]


@pytest.fixture(scope="session")
def small_split(mnist_500: Examples) -> Split:
    """300 images to train, 100 to validate, 100 to test."""
    images, labels = mnist_500
    parts = [Examples(images[a:b], labels[a:b]) for a, b in ((0, 300), (300, 400), (400, 500))]
    return Split(*parts)


def idx(array: np.ndarray) -> bytes:
    """Pack an array as IDX."""
    magic = 2049 if array.ndim == 1 else 2051
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def write_mnist(folder: Path, examples: Examples) -> dict[str, str]:
    """Write the four files, 400 images to train and 100 to test, and return their checksums."""
    contents = {
        "train-images-idx3-ubyte": idx(examples.images[:400]),
        "train-labels-idx1-ubyte": idx(examples.labels[:400]),
        "t10k-images-idx3-ubyte": idx(examples.images[400:]),
        "t10k-labels-idx1-ubyte": idx(examples.labels[400:]),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


@pytest.fixture
def mnist_folder(tmp_path: Path, mnist_500: Examples, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small files in MNIST's place, and their checksums in place of MNIST's."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, sha256 in write_mnist(folder, mnist_500).items():
        monkeypatch.setitem(SHA256, name, sha256)
    return folder
