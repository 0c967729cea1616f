"""Blocks: every element is changed once, whatever the size."""

import numpy as np
import pytest

from models.activations import Array
from training.engine import blocks
from training.engine.blocks import in_blocks


@pytest.mark.parametrize("size", [1, 3, 4, 8, 21])
def test_each_element_is_changed_once(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """With blocks of 4 elements, each element of an array of any size is changed exactly once."""
    monkeypatch.setattr(blocks, "BLOCK", 4)
    a, b = np.zeros(size, np.float32), np.arange(size, dtype=np.float32)
    scratched = []

    def change(a: Array, b: Array, scratch: Array) -> None:
        np.multiply(b, 2, out=scratch)
        scratched.append(scratch.size)
        a += scratch

    in_blocks(change, a, b)
    np.testing.assert_array_equal(a, 2 * b)
    assert sum(scratched) == size
