"""What each contestant is given, and what it must answer.

All train the same network on the same images in batches of the same size, each image once an epoch in
an order that is drawn anew: 784 - 1000 - 500 - 10, ReLU, softmax and cross-entropy, float32.

    momentum    v = 0.9 v + g,    p -= 0.01 v
    adam        β1 = 0.9, β2 = 0.999, ε = 1e-8, learning rate 0.001

What is timed is a run of whole steps, the drawing of the order and the gathering of the batch
included. Reading images, compiling and the first few steps of each run are not.
"""

import importlib
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.network import CLASSES, PIXELS
from training.data.mnist import Examples

SIZES = (PIXELS, 1000, 500, CLASSES)
BATCH = 128
MOMENTUM = 0.9
LEARNING_RATES = {"momentum": 0.01, "adam": 0.001}
OPTIMIZERS = tuple(LEARNING_RATES)
# Untimed steps before each run: the caches hold what the contestant before left in them.
WARM_UP = 5
# The images, the first ones, over which a contestant's cost is taken.
MEASURED = 2000

Indices = npt.NDArray[np.int64]


class Unavailable(Exception):  # noqa: N818 - not a fault, but an answer
    """A contestant that can't run on this machine; the message says why."""


class Contestant(NamedTuple):
    """A network in training: run(steps) returns seconds; cost() is its mean loss, NaN if it has none."""

    version: str
    run: Callable[[int], float]
    cost: Callable[[], float]


class Entry(NamedTuple):
    """A contestant's name in tables, and where to find it: `module`.enter_`way`(optimizer, examples)."""

    label: str
    module: str
    way: str


ENTRIES = {
    "ours": Entry("this project", "ours", "fit"),
    "products": Entry("its matrix products alone", "products", "products"),
    "pytorch": Entry("PyTorch", "pytorch", "eager"),
    "pytorch-fused": Entry("PyTorch, fused optimizers", "pytorch", "fused"),
    "pytorch-compiled": Entry("PyTorch, torch.compile", "pytorch", "compiled"),
    "jax": Entry("JAX, jit", "jax_jit", "jit"),
    "scikit-learn": Entry("scikit-learn, MLPClassifier", "scikit_learn", "partial_fit"),
}


def enter(name: str, optimizer: str, examples: Examples) -> Contestant:
    """Return the contestant of that name, ready to run.

    Its module is imported here: each environment holds the libraries of its own contestants alone.
    Raises Unavailable when it can't run on this machine.
    """
    entry = ENTRIES[name]
    module = importlib.import_module(f"benchmarks.training.{entry.module}")
    return getattr(module, f"enter_{entry.way}")(optimizer, examples)


def orders(n: int, seed: int = 1) -> Iterator[Indices]:
    """Draw, for each epoch, the order of its n images: without end."""
    rng = np.random.default_rng(seed)
    while True:
        yield rng.permutation(n)


def batches(n: int) -> Iterator[Indices]:
    """Choose the images of each batch, epoch after epoch, without end.

    >>> chosen = batches(256)
    >>> first = np.concatenate([next(chosen), next(chosen)])
    >>> bool((np.sort(first) == np.arange(256)).all()), len(next(chosen))
    (True, 128)
    """
    for order in orders(n):
        for first in range(0, n, BATCH):
            yield order[first : first + BATCH]


def timed(step: Callable[[], object], steps: int, finish: Callable[[], object] = tuple) -> float:
    """Warm up, take the steps, and return the seconds that they took until `finish` returned."""
    for _ in range(WARM_UP):
        step()
    finish()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    finish()
    return time.perf_counter() - start
