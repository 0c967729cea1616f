"""Blocks: several passes over large arrays for little more than the price of one.

A block of each array fits the processor's cache together, so that the second pass over it and all
further ones find it there. The blocks are shared out among as many threads as the matrix products use:
NumPy lets go of Python's lock while it works on a block. Each element is changed by itself, so the result
does not hang on the threads.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from models.activations import Array

BLOCK = 131072
THREADS = int(os.environ.get("OPENBLAS_NUM_THREADS") or os.cpu_count() or 1)
_helpers = ThreadPoolExecutor(max(THREADS - 1, 1), thread_name_prefix="blocks")


def in_blocks(change: Callable[..., None], *arrays: Array) -> None:
    """Call change(block of each array, scratch) for all blocks of contiguous arrays of one size.

    >>> a, b = np.zeros((2, 3)), np.ones(6)
    >>> in_blocks(lambda a, b, scratch: np.add(a, 2 * b, out=a), a, b)
    >>> a
    array([[2., 2., 2.],
           [2., 2., 2.]])
    """
    flat = [array.reshape(-1) for array in arrays]
    starts = range(0, flat[0].size, BLOCK)

    def walk(first: int) -> None:
        scratch = np.empty(min(BLOCK, flat[0].size), flat[0].dtype)
        for start in starts[first::THREADS]:
            blocks = [array[start : start + BLOCK] for array in flat]
            change(*blocks, scratch[: blocks[0].size])

    elsewhere = [_helpers.submit(walk, first) for first in range(1, min(THREADS, len(starts)))]
    walk(0)
    for future in elsewhere:
        future.result()
