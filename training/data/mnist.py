"""MNIST: its files and their checksums, how they are read, and how the examples are split.

The files have the format IDX, a header of big-endian 32-bit numbers followed by the bytes themselves:

    images   2051, count, 28, 28, then count · 784 pixels      labels   2049, count, then count labels

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", 1998. The checksums are
those of the original files, uncompressed.
"""

import hashlib
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.network import CLASSES

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# The label of an outlier: a picture that is no digit.
NO_DIGIT = CLASSES
VALIDATION_SHARE = 1 / 12
HEADERS = {1: (2049,), 3: (2051, 28, 28)}


class DataError(ValueError):
    """A data file that is missing or has the wrong content; the message names it."""


class Examples(NamedTuple):
    """Images uint8 (N, 28, 28) and their digits uint8 (N,)."""

    images: Images
    labels: Labels

    def first(self, n: int | None) -> "Examples":
        """Return the first n examples; None stands for all."""
        return Examples(self.images[:n], self.labels[:n])


@dataclass(frozen=True)
class Split:
    """The examples to train on, those to choose between trainings by, and those to read once at the end."""

    train: Examples
    validation: Examples
    test: Examples


def verify(path: Path, sha256: str) -> bytes:
    """Return the file's bytes if they have that SHA-256, else raise DataError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: can't be read ({error.strerror}); `python -m training fetch` gets it"
        ) from error
    try:
        check(path.name, content, sha256)
    except DataError as error:
        raise DataError(f"{path.parent}: {error}; `python -m training fetch` replaces it") from None
    return content


def check(name: str, content: bytes, sha256: str) -> None:
    """Raise DataError, with the name, unless the content has that SHA-256."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{name}: expected SHA-256 {sha256}, found {found} ({len(content)} bytes): corrupt or cut short"
        )


def parse_idx(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Return the array in an IDX file of images (N, 28, 28) or labels (N,).

    Raises DataError, with the file's name, when magic number, sizes and length do not agree.

    >>> parse_idx(struct.pack(">II", 2049, 3) + bytes([7, 2, 1]), "labels")
    array([7, 2, 1], dtype=uint8)
    """
    dimensions = content[3] if len(content) > 3 else 0
    size = 4 * (1 + dimensions)
    header = struct.unpack(f">{1 + dimensions}I", content[:size]) if len(content) >= size else ()
    if not header or (header[0], *header[2:]) != HEADERS.get(dimensions):
        raise DataError(f"{name}: expected an IDX header 2049, N or 2051, N, 28, 28; found {header}")
    expected, found = math.prod(header[1:]), len(content) - size
    if found != expected:
        raise DataError(f"{name}: expected {expected} bytes of data, found {found}")
    return np.frombuffer(content, np.uint8, offset=size).reshape(header[1:])


def load_examples(folder: Path, kind: str) -> Examples:
    """Read and verify the images and labels of kind 'train' or 't10k'."""
    images, labels = (
        parse_idx(verify(folder / name, SHA256[name]), name)
        for name in (f"{kind}-images-idx3-ubyte", f"{kind}-labels-idx1-ubyte")
    )
    if len(images) != len(labels):
        raise DataError(f"{folder}: {len(images)} {kind} images, but {len(labels)} labels")
    return Examples(images, labels)


def stratified(labels: Labels, share: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Choose a share of the examples at random, the same share of every digit; return a mask (N,).

    Each digit's number is rounded down; the digits with the largest remainders then get one more each,
    until the total is right.

    >>> labels = np.repeat(np.arange(10, dtype=np.uint8), 12)
    >>> np.bincount(labels[stratified(labels, 1 / 12, np.random.default_rng(0))])
    array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    """
    exact = np.bincount(labels, minlength=CLASSES) * share
    counts = np.floor(exact).astype(int)
    missing = round(len(labels) * share) - counts.sum()
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    chosen = np.zeros(len(labels), bool)
    for digit, count in enumerate(counts):
        chosen[rng.permutation(np.flatnonzero(labels == digit))[:count]] = True
    return chosen


def load_split(folder: Path, seed: int) -> Split:
    """Read MNIST: 55,000 to train, 5,000 to validate (stratified, by seed), 10,000 to test."""
    train = load_examples(folder, "train")
    chosen = stratified(train.labels, VALIDATION_SHARE, np.random.default_rng(seed))
    return Split(
        Examples(train.images[~chosen], train.labels[~chosen]),
        Examples(train.images[chosen], train.labels[chosen]),
        load_examples(folder, "t10k"),
    )


def targets(labels: Labels, dtype: type[np.floating] = np.float32) -> npt.NDArray[np.floating]:
    """Turn labels (N,) into targets y (N, 10): 1 for the digit; for an outlier, 1/10 for each digit.

    >>> targets(np.array([1, NO_DIGIT], np.uint8))
    array([[0. , 1. , 0. , 0. , 0. , 0. , 0. , 0. , 0. , 0. ],
           [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]], dtype=float32)
    """
    rows = np.vstack([np.eye(CLASSES), np.full(CLASSES, 1 / CLASSES)])
    return rows.astype(dtype)[labels]
