"""Draws each epoch's images in a process of its own, one epoch ahead of the training.

While the training works on the images of one epoch, the feeder draws those of the next, in memory that both
processes share. An epoch's images depend on the seed and its number alone, so they are the same as without a
feeder; the training only waits less.
"""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import Array
from itertools import count
from multiprocessing.connection import Connection

import numpy as np

from models.network import PIXELS
from training.data.epochs import Source, draw_epoch
from training.data.mnist import Images

SLOTS = 2
THREADS = "OPENBLAS_NUM_THREADS"
Memory = Array[ctypes.c_uint8]


@contextmanager
def feeding(source: Source, first_epoch: int) -> Iterator[Iterator[Images]]:
    """Start a feeder, and give an iterator over the images of each epoch, as draw_epoch draws them.

    An epoch's array is overwritten once the iterator has given the next epoch and is asked for one more.
    """
    context = multiprocessing.get_context("spawn")
    slots = [context.RawArray(ctypes.c_uint8, source.size * PIXELS) for _ in range(SLOTS)]
    ours, theirs = context.Pipe()
    process = context.Process(target=_draw_on_request, args=(theirs, source, slots, first_epoch), daemon=True)
    with theirs, _one_thread():
        process.start()
    try:
        with ours:
            yield _fed(ours, [_as_images(slot) for slot in slots], first_epoch)
    finally:
        process.join()


def _fed(connection: Connection, slots: list[Images], first_epoch: int) -> Iterator[Images]:
    """Yield each epoch; its slot becomes free when the next epoch is asked for."""
    for _ in slots:
        connection.send("a slot is free")
    for epoch in count(first_epoch):
        connection.recv()
        yield slots[epoch % SLOTS]
        connection.send("a slot is free")


def _draw_on_request(connection: Connection, source: Source, memory: list[Memory], first_epoch: int) -> None:
    """Draw one epoch whenever a slot is free, until the other end closes the connection."""
    # The training handles Ctrl-C, and closes the connection when it has finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    slots = [_as_images(slot) for slot in memory]
    for epoch in count(first_epoch):
        try:
            connection.recv()
            draw_epoch(source, epoch, slots[epoch % SLOTS])
            connection.send("ready")
        except (EOFError, OSError):
            return


def _as_images(memory: Memory) -> Images:
    return np.frombuffer(memoryview(memory), np.uint8).reshape(-1, 28, 28)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Give a process started in this block one BLAS thread: the training needs the cores."""
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before
