"""Reading MNIST: damaged files are named and not used."""

import struct
from pathlib import Path

import numpy as np
import pytest

from training.data.mnist import DataError, load_examples, load_split, parse_idx, stratified, targets


def test_files_are_read(mnist_folder: Path, mnist_500: tuple[np.ndarray, np.ndarray]) -> None:
    """The arrays are those in the files, in order."""
    train = load_examples(mnist_folder, "train")
    np.testing.assert_array_equal(train.images, mnist_500[0][:400])
    np.testing.assert_array_equal(train.labels, mnist_500[1][:400])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda _: b"",
        lambda content: content[:500] + bytes([content[500] ^ 1]) + content[501:],
        lambda content: content + b"\0",
    ],
    ids=["one byte short", "half", "empty", "a flipped bit", "one byte more"],
)
def test_damaged_files_are_named(mnist_folder: Path, damage: "type[bytes]") -> None:
    """The error for a corrupt or truncated file names it, and the command that replaces it."""
    path = mnist_folder / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte: expected SHA-256 .* corrupt") as caught:
        load_split(mnist_folder, seed=0)
    assert "python -m training fetch" in str(caught.value)


def test_missing_files_are_named(mnist_folder: Path) -> None:
    """The error for a missing file names it, and the command that downloads it."""
    (mnist_folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte: can't be read .*training fetch"):
        load_split(mnist_folder, seed=0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected an IDX header"),
        (b"\0\0\x08", "expected an IDX header"),
        (struct.pack(">II", 2050, 1) + b"\0", "expected an IDX header"),
        (struct.pack(">IIII", 2051, 1, 28, 27) + bytes(28 * 27), "expected an IDX header"),
        (struct.pack(">III", 2051, 1, 28), "expected an IDX header"),
        (struct.pack(">IIII", 2051, 2, 28, 28) + bytes(784), "expected 1568 bytes of data, found 784"),
        (struct.pack(">II", 2049, 3) + bytes(4), "expected 3 bytes of data, found 4"),
        (struct.pack(">I", 0xFF) + bytes(2000), "expected an IDX header"),
    ],
)
def test_headers_are_checked(content: bytes, words: str) -> None:
    """A file whose magic number, sizes and length do not agree is refused."""
    with pytest.raises(DataError, match=words):
        parse_idx(content, "file")


def test_split_is_stratified_and_seeded() -> None:
    """Of 60,000 labels distributed like MNIST's, 5,000 are chosen by seed, each digit's share within one."""
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10, dtype=np.uint8), counts))
    chosen = stratified(labels, 1 / 12, np.random.default_rng(1))
    assert chosen.sum() == 5000
    assert (np.abs(np.bincount(labels[chosen]) - np.array(counts) / 12) < 1).all()
    np.testing.assert_array_equal(chosen, stratified(labels, 1 / 12, np.random.default_rng(1)))
    assert (chosen != stratified(labels, 1 / 12, np.random.default_rng(2))).any()


def test_parts_are_disjoint(mnist_folder: Path) -> None:
    """Each image is either in training or in validation."""
    split = load_split(mnist_folder, seed=0)
    assert len(split.validation.labels) == round(400 / 12)
    parts = [{image.tobytes() for image in part.images} for part in (split.train, split.validation)]
    assert not parts[0] & parts[1]
    assert sum(map(len, parts)) == 400


def test_targets() -> None:
    """Each row of the targets has its 1 at the digit."""
    np.testing.assert_array_equal(targets(np.array([3, 0], np.uint8)).argmax(axis=1), [3, 0])
