"""Work on large arrays block by block, so that several passes cost little more than one.

One block of each array fits into the processor's cache; after the first pass over a block, the other passes
find it there.
"""

from collections.abc import Callable

import numpy as np

from models.activations import Array

# Elements of a block: five blocks of float32 take a third of a core's second-level cache of 1 MB.
BLOCK = 16384


def in_blocks(change: Callable[..., None], *arrays: Array) -> None:
    """Call change(block of each array, scratch) for every block of contiguous arrays of equal size.

    scratch is an array of the block's size for intermediate results.

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
