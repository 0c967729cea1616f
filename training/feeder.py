"""Each epoch's images from a process of their own, one epoch ahead of the training.

While the training works on an epoch's images, the feeder draws those of the next, into memory that
both share. What an epoch's images are depends on seed and epoch alone, so feeding ahead changes
nothing but the waiting.
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
from training.data import Images
from training.epochs import Source, draw_epoch

SLOTS = 2
THREADS = "OPENBLAS_NUM_THREADS"
Memory = Array[ctypes.c_uint8]


@contextmanager
def feeding(source: Source, first_epoch: int) -> Iterator[Iterator[Images]]:
    """Start a feeder; what is given yields the images of one epoch after the other, as draw_epoch does.

    An array is overwritten when the next but one is taken.
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
    """Yield each epoch's images; a slot is handed back when the next images are asked for."""
    for _ in slots:
        connection.send("a slot is free")
    for epoch in count(first_epoch):
        connection.recv()
        yield slots[epoch % SLOTS]
        connection.send("a slot is free")


def _draw_on_request(connection: Connection, source: Source, memory: list[Memory], first_epoch: int) -> None:
    """Draw epoch after epoch, each when a slot is free, until the other end is closed."""
    # Ctrl-C is the training's to answer; it closes the connection when it is done.
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
    """Let the process started in this block use one BLAS thread: the training needs the cores."""
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before
