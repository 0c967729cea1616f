"""Which ink is the digit's: a mask in, a mask of the digit out.

components     what hangs together, pixel to pixel, by rows' runs of ink that touch
digit_of       the largest component near the middle, and those near it that are no specks;
               neither a printed box around it, nor what reaches in from the edge
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

# A digit's further strokes: at least this share of its length, at most this share away from it.
LEAST_PART = 0.12
FARTHEST_PART = 0.25
# How much less likely what reaches in from the edge is to be the digit: what touches it, and has most of
# its ink within this share of the sides.
EDGE_WEIGHT = 0.1
MARGIN = 0.15
# Ink along this share of a side makes it the side of a box.
BOX_COVERED = 0.85


@dataclass(frozen=True)
class Components:
    """Labels (height, width), -1 where no ink is, and for each component its area and box."""

    labels: npt.NDArray[np.intp]
    area: Indices
    left: Indices
    top: Indices
    right: Indices
    bottom: Indices


def components(mask: Mask) -> Components:
    """Label what hangs together, diagonals included.

    >>> mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]], bool)
    >>> components(mask).labels
    array([[ 0, -1, -1,  1],
           [-1,  0, -1, -1],
           [-1, -1, -1,  2]])
    """
    # Runs of ink are [start, end) in the rows laid end to end, two blank pixels between them.
    width = mask.shape[1] + 2
    flat = np.zeros(mask.shape[0] * width + 1, np.int8)
    flat[:-1].reshape(-1, width)[:, 1:-1] = mask
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    start, end = changes[::2], changes[1::2]
    label = _joined(len(start), *_touching(start, end, width))
    length = end - start
    labels = np.full(mask.shape, -1, np.intp)
    labels[mask] = np.repeat(label, length)
    count = int(label.max(initial=-1)) + 1
    row, first = np.divmod(start - 1, width)
    low, high = (np.full((2, count), extreme, np.intp) for extreme in (flat.size, 0))
    for axis, (least, most) in enumerate([(first, first + length), (row, row + 1)]):
        np.minimum.at(low[axis], label, least)
        np.maximum.at(high[axis], label, most)
    area = np.bincount(label, length, count).astype(np.intp)
    return Components(labels, area, *low, *high)


def _touching(start: Indices, end: Indices, width: int) -> tuple[Indices, Indices]:
    """Return pairs of runs, the second in the next row, that share a column or a corner."""
    first = np.searchsorted(end, start + width, side="left")
    last = np.searchsorted(start, end + width, side="right")
    count = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(start)), count)
    offset = np.arange(len(upper)) - np.repeat(np.cumsum(count) - count, count)
    return upper, np.repeat(first, count) + offset


def _joined(count: int, upper: Indices, lower: Indices) -> Indices:
    """Give runs that are joined by pairs the same number, from 0 on: each takes the least of its own."""
    label = np.arange(count)
    while True:
        least = np.minimum(label[upper], label[lower])
        if (label[upper] == least).all() and (label[lower] == least).all():
            return np.unique(label, return_inverse=True)[1]
        np.minimum.at(label, label[upper], least)
        np.minimum.at(label, label[lower], least)
        label = label[label]


def digit_of(mask: Mask) -> Mask:
    """Return the part of a mask that is the digit; all of it when nothing else is plausible."""
    found = components(mask)
    if len(found.area) < 2:
        return mask
    length = np.maximum(found.right - found.left, found.bottom - found.top)
    weight = _weight(found, mask.shape)
    boxes = [index for index in np.flatnonzero(length > max(mask.shape) / 4) if _is_box(found, int(index))]
    weight[boxes] = 0
    main = int(weight.argmax())
    if not weight[main]:
        return mask
    kept = np.zeros(len(weight) + 1, bool)
    kept[main] = True
    candidates = (weight > 0) & (length >= LEAST_PART * length[main])
    edge = _from_edge(found)
    candidates &= ~edge | edge[main]
    kept[:-1] |= candidates & (_distance(found, main) <= FARTHEST_PART * length[main])
    return kept[found.labels]


def _weight(found: Components, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return each component's area, less for being away from the middle, much less for touching the edge."""
    x = (found.left + found.right) / shape[1] - 1
    y = (found.top + found.bottom) / shape[0] - 1
    weight = np.where(_from_edge(found), EDGE_WEIGHT, 1.0)
    weight *= np.exp(-(x**2 + y**2)) * found.area
    return weight


def _from_edge(found: Components) -> Mask:
    """Say which components touch the edge and have more than three quarters of their ink near it."""
    height, width = found.labels.shape
    touching = (found.left == 0) | (found.top == 0) | (found.right == width) | (found.bottom == height)
    y, x = round(MARGIN * height), round(MARGIN * width)
    inner = found.labels[y : height - y, x : width - x]
    within = np.bincount(inner[inner >= 0], minlength=len(found.area))
    return touching & (4 * within < found.area)


def _distance(found: Components, main: int) -> Indices:
    """Return the gap between each component's box and the main one's; 0 where they overlap."""
    x = np.maximum(found.left - found.right[main], found.left[main] - found.right)
    y = np.maximum(found.top - found.bottom[main], found.top[main] - found.bottom)
    return np.maximum(np.maximum(x, y), 0)


def _is_box(found: Components, index: int) -> bool:
    """Say whether a component is a frame: ink along three of its box's sides, and others' ink inside it."""
    left, top, right, bottom = (int(v[index]) for v in (found.left, found.top, found.right, found.bottom))
    inside = (found.left > left) & (found.top > top) & (found.right < right) & (found.bottom < bottom)
    if not (found.area[inside].sum() > found.area[index] / 20):
        return False
    own = found.labels[top:bottom, left:right] == index
    band, side = max((bottom - top) // 6, 1), max((right - left) // 6, 1)
    edges = (own[:band].any(0), own[-band:].any(0), own[:, :side].any(1), own[:, -side:].any(1))
    return sum(edge.mean() > BOX_COVERED for edge in edges) >= 3
