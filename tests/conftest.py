"""What all tests share: real digits, and the folders to find them in."""

from pathlib import Path

import numpy as np
import pytest

from training.data import Examples

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def mnist_500() -> Examples:
    """500 images of the MNIST test set, read-only."""
    with np.load(DATA / "mnist_500.npz") as archive:
        examples = Examples(archive["images"], archive["labels"])
    for array in examples:
        array.setflags(write=False)
    return examples


@pytest.fixture(scope="session")
def seven() -> bytes:
    """A PNG of a handwritten 7."""
    return (DATA / "7.png").read_bytes()
