"""An encoder for every kind of PNG, independent of Pillow: from samples to the bytes of a file.

Samples are integers (height, width, samples per pixel), as in the standard (W3C, Portable Network Graphics,
third edition): grey; red, green and blue; or indices into the palette; then opacity.
"""

import io
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import png as pypng

from tests.fuzz.chunks import chunk, header

Samples = npt.NDArray[np.integer]
Bytes = npt.NDArray[np.uint8]

KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8)]
KINDS += [(4, 8), (4, 16), (6, 8), (6, 16)]
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
FILTERS = [(0,), (1,), (2,), (3,), (4,), (4, 1, 0, 3, 2)]
# A pixel, a row, a column, and sizes at which passes of an interlaced picture are empty or end early.
SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (4, 4), (5, 5), (8, 8), (9, 7), (33, 17)]
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def encode(
    samples: Samples,
    colour: int,
    depth: int,
    *,
    interlaced: bool = False,
    filters: Sequence[int] = (0,),
    palette: Bytes | None = None,
    transparency: bytes = b"",
    idat_bytes: int = 2**31 - 1,
) -> bytes:
    """Return a file; the rows take the filters in turn."""
    height, width = samples.shape[:2]
    passes = [samples[row::down, column::right] for column, row, right, down in PASSES]
    rows = b"".join(
        _filtered(part, depth, filters) for part in (passes if interlaced else [samples]) if part.size
    )
    packed = zlib.compress(rows)
    chunks = [header(width, height, depth, colour, int(interlaced))]
    if palette is not None:
        chunks.append(chunk(b"PLTE", palette.tobytes()))
    if transparency:
        chunks.append(chunk(b"tRNS", transparency))
    chunks += [chunk(b"IDAT", packed[at : at + idat_bytes]) for at in range(0, len(packed), idat_bytes)]
    return b"".join(chunks) + chunk(b"IEND", b"")


def _filtered(samples: Samples, depth: int, filters: Sequence[int]) -> bytes:
    """Pack the rows, and subtract from each what its filter predicts."""
    rows = _packed(samples, depth)
    step = max(samples.shape[2] * depth // 8, 1)
    padded = np.pad(rows, ((1, 0), (step, 0))).astype(np.int16)
    left, up, corner = padded[1:, :-step], padded[:-1, step:], padded[:-1, :-step]
    kinds = np.resize(filters, len(rows)).astype(np.uint8)
    predicted = np.select(
        [kinds[:, None] == kind for kind in range(5)],
        [np.zeros_like(left), left, up, (left + up) // 2, _paeth(left, up, corner)],
    )
    return np.column_stack([kinds, rows - predicted.astype(np.uint8)]).astype(np.uint8).tobytes()


def _packed(samples: Samples, depth: int) -> Bytes:
    flat = samples.reshape(len(samples), -1)
    if depth == 16:
        return flat.astype(">u2").view(np.uint8)
    bits = flat[..., None] >> np.arange(depth - 1, -1, -1) & 1
    return np.packbits(bits.astype(np.uint8).reshape(len(flat), -1), axis=1)


def _paeth(left: Any, up: Any, corner: Any) -> Any:  # noqa: ANN401 - arrays of one shape
    guess = left + up - corner
    far = [abs(guess - other) for other in (left, up, corner)]
    return np.where((far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], up, corner))


def read_back(data: bytes) -> Samples:
    """Read a file by pypng: its samples (height, width, samples of a pixel)."""
    width, height, rows, _ = pypng.Reader(io.BytesIO(data)).read()
    return np.vstack([*map(np.uint16, rows)]).reshape(height, width, -1)


def transparencies(samples: Samples, colour: int, depth: int) -> Iterator[bytes]:
    """Yield what tRNS may be: nothing, a colour of the picture, or opacities of a palette's colours."""
    yield b""
    if colour in {0, 2}:
        yield samples[-1, -1].astype(">u2").tobytes()
    if colour == 3:
        yield b"\0"
        yield bytes(range(0, 256, 255 // (2**depth - 1)))[: 2**depth]
