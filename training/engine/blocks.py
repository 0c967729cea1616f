"""Blocks: several passes over large arrays for little more than the price of one.

A block of each array fits the processor's cache together, so that the second pass over it and all
further ones find it there.
"""

from collections.abc import Callable

import numpy as np

from models.activations import Array

# Elements: five arrays of so many float32 take a third of a core's second-level cache of 1 MB.
BLOCK = 16384


def in_blocks(change: Callable[..., None], *arrays: Array) -> None:
    """Call change(block of each array, scratch) for all blocks of contiguous arrays of one size.

    >>> a, b = np.zeros((2, 3)), np.ones(6)
    >>> in_blocks(lambda a, b, scratch: np.add(a, 2 * b, out=a), a, b)
    >>> a
    array([[2., 2., 2.],
           [2., 2., 2.]])
    """
    flat = [array.reshape(-1) for array in arrays]
    scratch = np.empty(min(BLOCK, flat[0].size), flat[0].dtype)
    for start in range(0, flat[0].size, BLOCK):
        blocks = [array[start : start + BLOCK] for array in flat]
        change(*blocks, scratch[: blocks[0].size])
