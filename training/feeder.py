"""Each epoch's images and targets from a process of their own, one epoch ahead of the training.

While the training works on an epoch's images, the feeder draws those of the next, into memory that
both share. What an epoch is depends on seed and number alone, so feeding ahead changes nothing but
the waiting.
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

from models.network import CLASSES, PIXELS
from training.epochs import Drawn, Source, draw_epoch

SLOTS = 2
THREADS = "OPENBLAS_NUM_THREADS"
Memory = tuple[Array[ctypes.c_uint8], Array[ctypes.c_float]]


@contextmanager
def feeding(source: Source, first_epoch: int) -> Iterator[Iterator[Drawn]]:
    """Start a feeder; what is given yields one epoch after the other, as draw_epoch does.

    Its arrays are overwritten when the next but one is taken.
    """
    context = multiprocessing.get_context("spawn")
    slots = [
        (
            context.RawArray(ctypes.c_uint8, source.size * PIXELS),
            context.RawArray(ctypes.c_float, source.size * CLASSES),
        )
        for _ in range(SLOTS)
    ]
    ours, theirs = context.Pipe()
    process = context.Process(target=_draw_on_request, args=(theirs, source, slots, first_epoch), daemon=True)
    with theirs, _one_thread():
        process.start()
    try:
        with ours:
            yield _fed(ours, [_as_drawn(slot) for slot in slots], first_epoch)
    finally:
        process.join()


def _fed(connection: Connection, slots: list[Drawn], first_epoch: int) -> Iterator[Drawn]:
    """Yield each epoch; a slot is handed back when the next epoch is asked for."""
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
    slots = [_as_drawn(slot) for slot in memory]
    for epoch in count(first_epoch):
        try:
            connection.recv()
            draw_epoch(source, epoch, slots[epoch % SLOTS])
            connection.send("ready")
        except (EOFError, OSError):
            return


def _as_drawn(memory: Memory) -> Drawn:
    images, y = memory
    return Drawn(
        np.frombuffer(memoryview(images), np.uint8).reshape(-1, 28, 28),
        np.frombuffer(memoryview(y), np.float32).reshape(-1, CLASSES),
    )


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
