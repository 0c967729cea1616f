"""Blocks: every element is changed once, whatever the size and the number of threads."""

import threading

import numpy as np
import pytest

from models.activations import Array
from training import blocks
from training.blocks import in_blocks


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("size", [1, 3, 4, 8, 21])
def test_each_element_is_changed_once(monkeypatch: pytest.MonkeyPatch, threads: int, size: int) -> None:
    """With blocks of 4 elements, an array of any size is added to exactly once by any number of threads."""
    monkeypatch.setattr(blocks, "BLOCK", 4)
    monkeypatch.setattr(blocks, "THREADS", threads)
    a, b = np.zeros(size, np.float32), np.arange(size, dtype=np.float32)
    scratched = []

    def change(a: Array, b: Array, scratch: Array) -> None:
        np.multiply(b, 2, out=scratch)
        scratched.append(scratch.size)
        a += scratch

    in_blocks(change, a, b)
    np.testing.assert_array_equal(a, 2 * b)
    assert sum(scratched) == size


def test_several_threads_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two threads, two blocks are worked on at the same time."""
    monkeypatch.setattr(blocks, "BLOCK", 4)
    monkeypatch.setattr(blocks, "THREADS", 2)
    both = threading.Barrier(2, timeout=10)

    def meet(*_: Array) -> None:
        both.wait()

    in_blocks(meet, np.zeros(8))


def test_what_goes_wrong_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in any block reaches the caller."""
    monkeypatch.setattr(blocks, "BLOCK", 1)
    monkeypatch.setattr(blocks, "THREADS", 2)

    def change(a: Array, _: Array) -> None:
        if a[0] == 1:
            raise FloatingPointError("a block")

    with pytest.raises(FloatingPointError, match="a block"):
        in_blocks(change, np.array([0.0, 1.0]))
