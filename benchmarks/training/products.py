"""The floor: a step's matrix products and nothing else, each into an array that is there already.

    a @ W               forward, for each of the three layers
    a_before.T @ delta  backward, dW of each layer
    delta @ W.T         backward, what each layer but the first passes down

Eight products of random numbers. No training in NumPy that multiplies in this form can be faster.
"""

from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.training.contestants import BATCH, SIZES, Contestant, timed
from models.activations import Array
from training.data.mnist import Examples


def enter_products(_: str, __: Examples) -> Contestant:
    """Lay out the factors and the places of their products."""
    rng = np.random.default_rng(1)
    a = [rng.standard_normal((BATCH, size), np.float32) for size in SIZES]
    W = [rng.standard_normal(shape, np.float32) for shape in pairwise(SIZES)]
    out, dW = [np.empty_like(array) for array in a], [np.empty_like(array) for array in W]
    return Contestant(
        f"NumPy {np.__version__}", partial(timed, partial(_step, a, W, out, dW)), lambda: float("nan")
    )


def _step(a: list[Array], W: list[Array], out: list[Array], dW: list[Array]) -> None:
    layers = range(len(W))
    for i in layers:
        np.matmul(a[i], W[i], out=out[i + 1])
    for i in reversed(layers):
        np.matmul(a[i].T, a[i + 1], out=dW[i])
        if i:
            np.matmul(a[i + 1], W[i].T, out=out[i])
