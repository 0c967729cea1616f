"""Deformation: what a person's next try at the same digit could look like.

The output pixel at p (pixel indices around the centre c) shows the input at

    q = A (p - c) + c + t + e(p)      A: own rotation, scale and shear; t: shift; e: a smooth field

read by bilinear interpolation from its four neighbours. The field e is a cubic
B-spline over a coarse 6 × 6 grid of normals, which makes it smooth. Sources: Simard, Steinkraus, Platt,
"Best Practices for Convolutional Neural Networks", 2003 (the idea); the grid replaces its blur.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from models.activations import Array
from training.data import Images

ROTATION_DEGREES = 15
SCALE = 0.15
SHEAR = 0.15
SHIFT_PIXELS = 1.5
GRID_PIXELS = 2.2
FIELD_GRID = 6
SIDE = 28
CHUNK = 1000


def deform(images: Images, rng: np.random.Generator) -> Images:
    """Return a deformed copy of images uint8 (N, 28, 28), each in its own way.

    >>> image = np.zeros((1, 28, 28), np.uint8); image[0, 9:19, 9:19] = 255
    >>> deformed = deform(image, np.random.default_rng(0))
    >>> deformed.shape, deformed.dtype, bool((deformed != image).any())
    ((1, 28, 28), dtype('uint8'), True)
    """
    chunks = np.split(images, range(CHUNK, len(images), CHUNK))
    return np.concatenate([_bilinear(chunk, *_sources(len(chunk), rng)) for chunk in chunks])


def _sources(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw, for each output pixel, the row and column (n, 28, 28) of the input that it shows."""
    p = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    grid = np.stack(np.broadcast_arrays(p[:, None], p[None, :])).reshape(2, -1)
    shift = rng.uniform(-SHIFT_PIXELS, SHIFT_PIXELS, (n, 2, 1)).astype(np.float32)
    q = _affine(n, rng) @ grid + shift + np.float32((SIDE - 1) / 2)
    q = q.reshape(n, 2, SIDE, SIDE) + _field(n, rng)
    return q[:, 0], q[:, 1]


def _affine(n: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw matrices (n, 2, 2): rotation times shear times scale of each axis."""
    angle = np.deg2rad(rng.uniform(-ROTATION_DEGREES, ROTATION_DEGREES, n))
    shear = rng.uniform(-SHEAR, SHEAR, n)
    scale = np.exp(rng.uniform(-SCALE, SCALE, (n, 1, 2)))
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.stack([cos, -sin, sin, cos], axis=-1).reshape(n, 2, 2)
    slant = np.stack([np.ones(n), np.zeros(n), shear, np.ones(n)], axis=-1).reshape(n, 2, 2)
    return (rotation @ slant * scale).astype(np.float32)


def _field(n: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw smooth fields (n, 2, 28, 28) in pixels."""
    coarse = rng.standard_normal((n, 2, FIELD_GRID, FIELD_GRID), dtype=np.float32) * GRID_PIXELS
    b = _interpolation()
    return b @ coarse @ b.T


@cache
def _interpolation() -> npt.NDArray[np.float32]:
    """Return the cubic B-spline's matrix (28, 6): each pixel's weights of the six grid points.

    The pixels span the middle three of the grid's five intervals, where each pixel has its four points.
    """
    position = np.linspace(1, FIELD_GRID - 2, SIDE)[:, None]
    d = np.abs(position - np.arange(FIELD_GRID))
    near, far = 2 / 3 - d**2 + d**3 / 2, (2 - d) ** 3 / 6
    return np.where(d < 1, near, np.where(d < 2, far, 0)).astype(np.float32)


def _bilinear(images: Images, row: Array, column: Array) -> Images:
    """Read images (n, 28, 28) at fractional positions; beyond the edge lies black."""
    width = SIDE + 2
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1))).astype(np.float32).ravel()
    row = np.clip(row + 1, 0, SIDE + 0.999)
    column = np.clip(column + 1, 0, SIDE + 0.999)
    i, j = row.astype(np.int32), column.astype(np.int32)
    v, u = row - i, column - j
    corner = i * width + j + (np.arange(len(images), dtype=np.int32) * width**2)[:, None, None]
    top = padded.take(corner) * (1 - u) + padded.take(corner + 1) * u
    bottom = padded.take(corner + width) * (1 - u) + padded.take(corner + width + 1) * u
    return np.rint(top * (1 - v) + bottom * v).astype(np.uint8)
