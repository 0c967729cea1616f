"""Outliers: pictures that are no digit, with which the network learns to be unsure of such pictures.

Their target is 1/10 for each digit. They are varied, and of other kinds than the pictures on which refusal is
measured:

    noise      independent pixels, of any density and contrast
    blobs      smooth noise with a threshold: clouds, rings, islands
    solids     polygons with few corners, filled evenly or with a gradient
    strokes    four to eight segments of one width, scattered or joined end to end
    curves     four to six bent strokes, scattered or joined
    pieces     quarters of four different digits, rotated

Half of them are scaled down to the box that digits fill, as the service would scale them.
Source: Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier Exposure", 2019.
"""

import numpy as np

from models.activations import Array
from training.data.mnist import Images

SIDE = 28
# Pictures drawn together: they are of one kind, and share the few parameters that are drawn once.
CHUNK = 32
Pixels = Array


def outliers(n: int, digits: Images, rng: np.random.Generator) -> Images:
    """Draw n pictures uint8 (n, 28, 28) that are no digit; some consist of pieces of `digits`.

    >>> digits = np.full((20, 28, 28), 200, np.uint8)
    >>> pictures = outliers(50, digits, np.random.default_rng(0))
    >>> pictures.shape, pictures.dtype
    ((50, 28, 28), dtype('uint8'))
    """
    pictures = [np.empty((0, SIDE, SIDE), np.uint8)]
    for count in np.diff(np.arange(0, n + CHUNK, CHUNK).clip(max=n)):
        kind = int(rng.integers(0, len(DRAWN) + 1))
        whole = pieces(count, digits, rng) if kind == len(DRAWN) else _to_images(DRAWN[kind](count, rng))
        pictures.append(_boxed(whole) if rng.random() < 0.5 else whole)
    return np.concatenate(pictures)


def _boxed(pictures: Images) -> Images:
    """Scale pictures down by averaging, to 20 × 20 pixels in the middle of the image."""
    boxed = np.zeros_like(pictures)
    boxed[:, 4:24, 4:24] = np.rint(_SMALLER @ pictures.astype(np.float32) @ _SMALLER.T)
    return boxed


def _averages(size: int) -> Array:
    """Return a matrix (size, 28) that averages 28 values over `size` intervals of equal length."""
    edges = np.linspace(0, SIDE, size + 1)
    starts, ends = edges[:-1, None], edges[1:, None]
    pixels = np.arange(SIDE)
    return (np.clip(ends - pixels, 0, 1) - np.clip(starts - pixels, 0, 1)) * size / SIDE


_SMALLER = _averages(20).astype(np.float32)


def _to_images(pictures: Pixels) -> Images:
    """Turn levels from 0 to 1 into uint8 from 0 to 255."""
    return (np.clip(pictures, 0, 1) * 255).astype(np.uint8)


def noise(n: int, rng: np.random.Generator) -> Pixels:
    """Draw independent pixels, a random share of which is black."""
    density = rng.random((n, 1, 1), dtype=np.float32)
    kept = rng.random((n, SIDE, SIDE), dtype=np.float32) < density
    levels = rng.random((n, SIDE, SIDE), dtype=np.float32) ** (3 * rng.random((n, 1, 1), dtype=np.float32))
    return kept * levels


def blobs(n: int, rng: np.random.Generator) -> Pixels:
    """Draw smooth noise above a threshold, some of it as outlines."""
    smooth = _smooth(rng.standard_normal((n, SIDE, SIDE), dtype=np.float32), int(rng.integers(1, 40)))
    smooth /= smooth.std(axis=(1, 2), keepdims=True)
    outlined = rng.random((n, 1, 1)) < 0.4
    height = rng.normal(0, 0.7, (n, 1, 1)).astype(np.float32)
    slope = rng.uniform(1, 8, (n, 1, 1)).astype(np.float32)
    above = slope * (smooth - height)
    return np.where(outlined, 1 - np.abs(above) / 2, above)


def solids(n: int, rng: np.random.Generator) -> Pixels:
    """Draw convex polygons, the image cut by three to seven straight lines, filled with a gradient."""
    row, column = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2).astype(np.float32)
    inside = np.full((n, SIDE, SIDE), SIDE, np.float32)
    cuts = rng.integers(3, 8, n)
    for index in range(7):
        angle, distance = rng.uniform((0, 3), (2 * np.pi, 13), (n, 2)).T[..., None, None]
        beyond = distance - np.cos(angle) * row - np.sin(angle) * column
        np.minimum(inside, beyond, out=inside, where=(index < cuts)[:, None, None])
    angle, depth = rng.uniform((0, 0), (2 * np.pi, 1), (n, 2)).T[..., None, None]
    shade = 1 - depth * (0.5 + (np.cos(angle) * row + np.sin(angle) * column) / SIDE)
    return np.clip(inside, 0, 1) * shade


def strokes(n: int, rng: np.random.Generator) -> Pixels:
    """Draw four to eight segments of one width in each picture; fewer could look like a 1 or a 7.

    In half of the pictures each segment starts where the last one ended.
    """
    row, column = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    number = rng.integers(4, 9, n)
    joined = (rng.random(n) < 0.5)[:, None, None]
    width = rng.uniform(0.6, 2.5, (n, 1, 1)).astype(np.float32)
    picture = np.zeros((n, SIDE, SIDE), np.float32)
    y, x = rng.uniform(4, 24, (2, n, 1, 1))
    for index in range(8):
        end_y, end_x, other_y, other_x = rng.uniform(4, 24, (4, n, 1, 1))
        distance = _distance(row, column, (y, x), (end_y, end_x))
        drawn = np.clip(width + 0.5 - distance, 0, 1)
        np.maximum(picture, drawn, out=picture, where=(index < number)[:, None, None])
        y, x = np.where(joined, end_y, other_y), np.where(joined, end_x, other_x)
    return picture


def _distance(row: Array, column: Array, start: tuple[Array, Array], end: tuple[Array, Array]) -> Array:
    """Return each pixel's distance from a segment; start and end are (row, column), each (n, 1, 1)."""
    (y, x), (dy, dx) = start, (end[0] - start[0], end[1] - start[1])
    along = np.clip(((row - y) * dy + (column - x) * dx) / (dy * dy + dx * dx + 1e-6), 0, 1)
    return np.hypot(row - y - along * dy, column - x - along * dx)


def pieces(n: int, digits: Images, rng: np.random.Generator) -> Images:
    """Combine quarters of different digits, each rotated by 90°, 180° or 270°."""
    half = SIDE // 2
    picture = np.empty((n, SIDE, SIDE), np.uint8)
    for row in (0, half):
        for column in (0, half):
            quarter = digits[rng.integers(0, len(digits), n), row : row + half, column : column + half]
            turned = np.rot90(quarter, int(rng.integers(1, 4)), axes=(1, 2))
            picture[:, row : row + half, column : column + half] = turned
    return picture


def _smooth(a: Pixels, times: int) -> Pixels:
    for _ in range(times):
        for axis in (1, 2):
            a = (np.roll(a, 1, axis) + 2 * a + np.roll(a, -1, axis)) / 4
    return a


def curves(n: int, rng: np.random.Generator) -> Pixels:
    """Draw four to six bent strokes of one width in each picture, each a parabola with random corners.

    In half of the pictures each stroke starts where the last one ended.
    """
    number = rng.integers(4, 7, n)
    corners = rng.uniform(4, 24, (n, 6, 3, 2)).astype(np.float32)
    joined = rng.random(n) < 0.5
    corners[joined, 1:, 0] = corners[joined, :-1, 2]
    points = np.einsum("tc,nscd->nstd", _parabola(), corners)
    # The strokes beyond `number` get the place of the first stroke, which hides them.
    hidden = np.arange(6) >= number[:, None]
    points[hidden] = np.repeat(points[:, 0], hidden.sum(axis=1), axis=0)
    width = rng.uniform(1.0, 2.5, (n, 1, 1)).astype(np.float32)
    pixels = np.arange(SIDE, dtype=np.float32)
    rows = (pixels[None, None] - points[..., 0].reshape(n, -1, 1)) ** 2
    columns = (pixels[None, None] - points[..., 1].reshape(n, -1, 1)) ** 2
    distance = np.full((n, SIDE, SIDE), np.inf, np.float32)
    for point in range(rows.shape[1]):
        np.minimum(distance, rows[:, point, :, None] + columns[:, point, None], out=distance)
    return np.clip(width + 0.5 - np.sqrt(distance), 0, 1)


def _parabola() -> Array:
    """Return the weights (14, 3) of the three corners for 14 points of a parabola, in Bézier's form."""
    t = np.linspace(0, 1, 14, dtype=np.float32)
    return np.stack([(1 - t) ** 2, 2 * t * (1 - t), t**2], axis=1)


DRAWN = (noise, blobs, solids, strokes, curves)
