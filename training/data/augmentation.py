"""Deformation: a random change of an image, such as when a person writes the same digit again.

The output pixel at p (row and column from the centre) has the value of the input at

    q = A p + t + e(p)          A: rotation, shear and scale; t: shift; e: a smooth field

by bilinear interpolation between the four pixels around q. A, t and e are drawn for each image. The field is
a cubic B-spline over a coarse grid of 6 × 6 normally distributed coefficients c:
e(p) = Σ c_ij B_i(row) B_j(column). So q is a linear combination of 39 fixed images (row, column, 1 and the
36 products of splines), and one matrix product gives the positions for many images:

    q = coefficients (N · 2, 39) @ basis (39, 784)

Source: Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks", 2003. Their field is
blurred noise; ours is a spline, which costs less.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from models.activations import Array
from models.network import PIXELS
from training.data.mnist import Images

ROTATION_DEGREES = 15
SCALE = 0.15
SHEAR = 0.15
SHIFT_PIXELS = 1.5
GRID_PIXELS = 2.2
GRID = 6
SIDE = 28
# With a black border of one pixel, every position has four neighbours.
FRAMED = SIDE + 2
# Images deformed together: their positions and neighbours fit the processor's cache.
CHUNK = 128


def deform(
    images: Images, rng: np.random.Generator, out: Images | None = None, strength: float = 1.0
) -> Images:
    """Return a deformed copy of images uint8 (N, 28, 28), each image by random amounts of its own.

    The copy is written to `out` if it is given. Every amount is multiplied by strength.

    >>> image = np.zeros((1, 28, 28), np.uint8); image[0, 9:19, 9:19] = 255
    >>> deformed = deform(image, np.random.default_rng(0))
    >>> deformed.shape, deformed.dtype, bool((deformed != image).any())
    ((1, 28, 28), dtype('uint8'), True)
    """
    # Freeing one large array makes glibc keep freed memory, so that each chunk's arrays reuse that of the
    # chunk before, instead of getting new memory from the system. This is three times as fast (mallopt(3)).
    np.empty(16 * 2**20, np.uint8)
    deformed = np.empty_like(images) if out is None else out
    for first in range(0, len(images), CHUNK):
        chunk = slice(first, first + CHUNK)
        n = len(images[chunk])
        q = (
            np.concatenate([_affine(n, rng, strength), _field(n, rng, strength)], axis=2).reshape(2 * n, -1)
            @ _basis()
        )
        deformed[chunk] = _bilinear(images[chunk], q.reshape(n, 2, PIXELS))
    return deformed


def _affine(n: int, rng: np.random.Generator, strength: float) -> npt.NDArray[np.float32]:
    """Draw matrices (n, 2, 3): A, which is rotation times shear times scale, and t as the third column."""
    angle = np.deg2rad(strength * rng.uniform(-ROTATION_DEGREES, ROTATION_DEGREES, n))
    shear = strength * rng.uniform(-SHEAR, SHEAR, n)
    scale = np.exp(strength * rng.uniform(-SCALE, SCALE, (n, 1, 2)))
    shift = strength * rng.uniform(-SHIFT_PIXELS, SHIFT_PIXELS, (n, 2, 1))
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.stack([cos, -sin, sin, cos], axis=-1).reshape(n, 2, 2)
    slant = np.stack([np.ones(n), np.zeros(n), shear, np.ones(n)], axis=-1).reshape(n, 2, 2)
    return np.concatenate([rotation @ slant * scale, shift], axis=2).astype(np.float32)


def _field(n: int, rng: np.random.Generator, strength: float) -> npt.NDArray[np.float32]:
    """Draw the coefficients c (n, 2, 36) of smooth fields, in pixels."""
    return rng.standard_normal((n, 2, GRID * GRID), dtype=np.float32) * np.float32(strength * GRID_PIXELS)


@cache
def _basis() -> npt.NDArray[np.float32]:
    """Return the fixed images (39, 784): row, column, 1, and the products B_i · B_j."""
    p = np.arange(SIDE) - (SIDE - 1) / 2
    b = _spline()
    rows, columns = np.repeat(p, SIDE), np.tile(p, SIDE)
    products = np.einsum("ri,cj->ijrc", b, b).reshape(GRID * GRID, PIXELS)
    return np.vstack([rows, columns, np.ones(PIXELS), products]).astype(np.float32)


def _spline() -> npt.NDArray[np.float64]:
    """Return the cubic B-splines (28, 6): the weight of each grid point for each pixel along an axis.

    The pixels span the middle three of the grid's five intervals, where each pixel has four grid points
    near enough to count.
    """
    position = np.linspace(1, GRID - 2, SIDE)[:, None]
    d = np.abs(position - np.arange(GRID))
    near, far = 2 / 3 - d**2 + d**3 / 2, (2 - d) ** 3 / 6
    return np.where(d < 1, near, np.where(d < 2, far, 0))


def _bilinear(images: Images, q: Array) -> Images:
    """Read images (n, 28, 28) at positions q (n, 2, 784) from the centre; outside the image is black."""
    q += np.float32((SIDE - 1) / 2 + 1)
    np.clip(q, 0, np.float32(SIDE + 0.999), out=q)
    corner = q.astype(np.int32)
    q -= corner
    v, u = q[:, 0], q[:, 1]
    image = np.arange(len(images), dtype=np.int32)[:, None]
    packed = _neighbours(images).take((image * FRAMED + corner[:, 0]) * FRAMED + corner[:, 1])
    four = packed.astype("<u4", copy=False).view(np.uint8).reshape(*packed.shape, 4)
    a, b, c, d = (four[..., i].astype(np.float32) for i in range(4))
    top = _between(a, b, u)
    bottom = _between(c, d, u)
    return (_between(top, bottom, v) + np.float32(0.5)).astype(np.uint8).reshape(images.shape)


def _between(start: Array, end: Array, share: Array) -> Array:
    """Return start + share · (end - start), written over end."""
    end -= start
    end *= share
    end += start
    return end


def _neighbours(images: Images) -> npt.NDArray[np.integer]:
    """Pack each pixel, with its right, lower and lower right neighbours, into one number (n, 30, 30).

    One look-up then gets all four.
    """
    framed = np.zeros((len(images), FRAMED + 1, FRAMED + 1), np.uint32)
    framed[:, 1 : SIDE + 1, 1 : SIDE + 1] = images
    here, right = framed[:, :-1, :-1], framed[:, :-1, 1:]
    below, across = framed[:, 1:, :-1], framed[:, 1:, 1:]
    return here | right << 8 | below << 16 | across << 24
