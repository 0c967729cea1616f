"""Redraw an MNIST digit with a pen of any width, along the middle lines of its strokes.

smooth     enlarge the digit four times by bicubic interpolation, and threshold it at one half
thin       reduce that mask to lines one pixel wide (Zhang, Suen, 1984)
join       connect neighbouring pixels of the lines by edges, and smooth their positions
draw       draw each edge as a line of the pen's width with round ends
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from service.images.connected_components import connected_components

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]
Edges = npt.NDArray[np.intp]

ENLARGED = 4
SMOOTHINGS = 6
SUPERSAMPLED = 3
# Loops of each digit that has any.
LOOPS = {0: 1, 6: 1, 8: 2, 9: 1}


def middle_lines(digit: Grey) -> tuple[Points, Edges]:
    """Return points (N, 2), x and y the ink's longest side from 0 to 1, and edges (M, 2)."""
    height, width = digit.shape
    large = Image.fromarray(digit).resize((width * ENLARGED, height * ENLARGED), Image.Resampling.BICUBIC)
    rows, columns = np.nonzero(_thinned(np.asarray(large) > 127))
    edges = _edges(rows, columns)
    points = _smoothed(np.stack([columns, rows], axis=1).astype(float), edges)
    points -= points.min(axis=0)
    return points / max(points.max(), 1), edges


def draw(lines: tuple[Points, Edges], size: tuple[int, int], length: float, width: float) -> Grey:
    """Draw lines in the middle of size (width, height), `length` pixels long, with a pen `width` pixels wide.

    The pen's own width is within the length. Returns the ink's coverage, 0 to 255, (height, width).
    """
    points, edges = lines
    supersampled = SUPERSAMPLED if max(size) < 1200 else 1
    image = Image.new("L", (size[0] * supersampled, size[1] * supersampled))
    pen = ImageDraw.Draw(image)
    centred = points - points.max(axis=0) / 2
    placed = (centred * max(length - width, 1) + np.array(size) / 2) * supersampled
    thickness, radius = round(width * supersampled), width * supersampled / 2
    for start, end in edges:
        pen.line([*placed[start], *placed[end]], 255, max(thickness, 1))
    for x, y in placed if thickness > 2 else []:
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], 255)
    return np.asarray(image.reduce(supersampled) if supersampled > 1 else image)


def loops(digit: Grey) -> int:
    """Return how many areas the ink encloses; a single pixel is not counted.

    >>> ring = np.zeros((7, 7), np.uint8); ring[1:6, 1:6] = 255; ring[2:5, 2:5] = 0
    >>> loops(ring)
    1
    """
    return int((connected_components(np.pad(digit, 1) < 128).area > 1).sum()) - 1


def _thinned(mask: Mask) -> Mask:
    """Remove edge pixels of a mask, from two sides in turn, until only middle lines are left."""
    mask = np.pad(mask, 1)
    while True:
        before = mask
        for side in (0, 1):
            mask = mask & ~_peel(mask, side)
        if (mask == before).all():
            return mask[1:-1, 1:-1]


def _peel(mask: Mask, side: int) -> Mask:
    """Return the edge pixels that one step of Zhang and Suen's method removes."""
    # Neighbours clockwise from the one above.
    steps = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    p = np.stack([np.roll(mask, (-row, -column), (0, 1)) for row, column in steps])
    neighbours = p.sum(axis=0)
    rises = (~p & np.roll(p, -1, axis=0)).sum(axis=0)
    up, right, down, left = p[0], p[2], p[4], p[6]
    if side == 0:
        open_side = ~(up & right & down) & ~(right & down & left)
    else:
        open_side = ~(up & right & left) & ~(up & down & left)
    return mask & (neighbours >= 2) & (neighbours <= 6) & (rises == 1) & open_side


def _edges(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Edges:
    """Return each pair of pixels that touch, by their positions in the list."""
    near = np.abs(rows[:, None] - rows) <= 1
    near &= np.abs(columns[:, None] - columns) <= 1
    # A lone pixel is joined to itself: a dot.
    return np.argwhere(np.triu(near, 1) if near.sum() > len(rows) else near)


def _smoothed(points: Points, edges: Edges) -> Points:
    """Move each point, except the ends of lines, half the way to the mean of its neighbours, a few times."""
    degree = np.bincount(edges.ravel(), minlength=len(points))
    inner = degree > 1
    for _ in range(SMOOTHINGS):
        total = np.zeros_like(points)
        for start, end in (edges.T, edges.T[::-1]):
            np.add.at(total, start, points[end])
        points = np.where(inner[:, None], (points + total / np.maximum(degree, 1)[:, None]) / 2, points)
    return points
