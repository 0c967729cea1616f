"""Find the connected components of a mask, and those that are the digit.

    connected_components    label pixels that touch, by row runs of ink
    digit_components        the mask of the digit: the component that weighs most, and its further strokes

A component's weight is its area, less the farther it is from the middle of the picture. It is much less for
what reaches in from the edge, such as a thumb or the table, and 0 for a printed frame around other ink.
Further strokes are components near the heaviest one that are not specks.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

# A further stroke has at least this share of the heaviest component's length, and at most this gap to it.
MIN_STROKE_SHARE = 0.12
MAX_GAP_SHARE = 0.25
# A component reaches in from the edge if it touches it and has most of its ink in a margin of this share.
MARGIN_SHARE = 0.15
EDGE_WEIGHT = 0.1
# Frames are looked for among components longer than this share of the picture.
MIN_FRAME_SHARE = 0.25
# A frame has ink along this share of a side, in a band of a sixth of its width or height.
MIN_SIDE_COVERED = 0.85
SIDE_BAND = 6


@dataclass(frozen=True)
class Components:
    """Labels (height, width), -1 where there is no ink; for each component its area and bounding box."""

    labels: Indices
    area: Indices
    left: Indices
    top: Indices
    right: Indices
    bottom: Indices


def runs(flat: npt.NDArray[np.generic]) -> tuple[Indices, Indices]:
    """Return start and end of each run of ink in one dimension; the first and the last value must be blank.

    >>> [indices.tolist() for indices in runs(np.array([0, 1, 1, 0, 1, 0]))]
    [[1, 4], [3, 5]]
    """
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    return changes[::2], changes[1::2]


def connected_components(mask: Mask) -> Components:
    """Label pixels that touch, at a side or at a corner.

    >>> mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]], bool)
    >>> connected_components(mask).labels
    array([[ 0, -1, -1,  1],
           [-1,  0, -1, -1],
           [-1, -1, -1,  2]])
    """
    # The rows are laid end to end, with two blank pixels between them: no run continues in the next row.
    width = mask.shape[1] + 2
    flat = np.pad(mask, ((0, 0), (1, 1))).ravel()
    start, end = runs(flat)
    label = _merged(len(start), *_touching(start, end, width))
    length = end - start
    labels = np.full(mask.shape, -1, np.intp)
    labels[mask] = np.repeat(label, length)
    number = int(label.max(initial=-1)) + 1
    row, left = np.divmod(start - 1, width)
    low, high = np.full((2, number), flat.size, np.intp), np.zeros((2, number), np.intp)
    for axis, (first, last) in enumerate([(left, left + length), (row, row + 1)]):
        np.minimum.at(low[axis], label, first)
        np.maximum.at(high[axis], label, last)
    area = np.bincount(label, length, number).astype(np.intp)
    return Components(labels, area, *low, *high)


def _touching(start: Indices, end: Indices, width: int) -> tuple[Indices, Indices]:
    """Return the pairs of runs that touch, in rows one above the other: the upper runs and the lower ones."""
    first = np.searchsorted(end, start + width, side="left")
    last = np.searchsorted(start, end + width, side="right")
    count = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(start)), count)
    offset = np.arange(len(upper)) - np.repeat(np.cumsum(count) - count, count)
    return upper, np.repeat(first, count) + offset


def _merged(number: int, upper: Indices, lower: Indices) -> Indices:
    """Label runs so that pairs of touching runs have the same label; labels count from 0.

    Each run begins with its own label; both of a pair take the smaller one, until no label changes.
    """
    label = np.arange(number)
    while True:
        least = np.minimum(label[upper], label[lower])
        if (label[upper] == least).all() and (label[lower] == least).all():
            return np.unique(label, return_inverse=True)[1]
        np.minimum.at(label, label[upper], least)
        np.minimum.at(label, label[lower], least)
        label = label[label]


def digit_components(mask: Mask) -> Mask:
    """Return the part of a mask (height, width) that is the digit; all of it if only frames are found."""
    found = connected_components(mask)
    if len(found.area) < 2:
        return mask
    length = np.maximum(found.right - found.left, found.bottom - found.top)
    from_edge = _from_edge(found)
    weight = _weight(found, from_edge)
    for index in np.flatnonzero(length > MIN_FRAME_SHARE * max(mask.shape)):
        if _is_frame(found, int(index)):
            weight[index] = 0
    main = int(weight.argmax())
    if not weight[main]:
        return mask
    is_stroke = (weight > 0) & (length >= MIN_STROKE_SHARE * length[main])
    is_stroke &= ~from_edge | from_edge[main]
    is_stroke &= _gap(found, main) <= MAX_GAP_SHARE * length[main]
    is_stroke[main] = True
    # The label -1 selects the last value, which is for pixels without ink.
    return np.append(is_stroke, False)[found.labels]


def _from_edge(found: Components) -> Mask:
    """Say which components touch the edge and have more than three quarters of their ink near it."""
    height, width = found.labels.shape
    touches = (found.left == 0) | (found.top == 0) | (found.right == width) | (found.bottom == height)
    y, x = round(MARGIN_SHARE * height), round(MARGIN_SHARE * width)
    inner = found.labels[y : height - y, x : width - x]
    inner_area = np.bincount(inner[inner >= 0], minlength=len(found.area))
    return touches & (4 * inner_area < found.area)


def _weight(found: Components, from_edge: Mask) -> npt.NDArray[np.float64]:
    """Return the weights: x and y are the box's centre, from -1 to 1 in the picture."""
    height, width = found.labels.shape
    x = (found.left + found.right) / width - 1
    y = (found.top + found.bottom) / height - 1
    weight = np.where(from_edge, EDGE_WEIGHT, 1.0)
    weight *= np.exp(-(x**2 + y**2)) * found.area
    return weight


def _gap(found: Components, main: int) -> Indices:
    """Return the gap between each component's box and the main one's, in pixels; 0 if they overlap."""
    x = np.maximum(found.left - found.right[main], found.left[main] - found.right)
    y = np.maximum(found.top - found.bottom[main], found.top[main] - found.bottom)
    return np.maximum(np.maximum(x, y), 0)


def _is_frame(found: Components, index: int) -> bool:
    """Say whether a component has ink along three sides of its box, and other components inside it."""
    left, top, right, bottom = (int(v[index]) for v in (found.left, found.top, found.right, found.bottom))
    inside = (found.left > left) & (found.top > top) & (found.right < right) & (found.bottom < bottom)
    # Specks inside do not make a frame.
    if found.area[inside].sum() <= found.area[index] / 20:
        return False
    own = found.labels[top:bottom, left:right] == index
    y, x = max((bottom - top) // SIDE_BAND, 1), max((right - left) // SIDE_BAND, 1)
    sides = (own[:y].any(axis=0), own[-y:].any(axis=0), own[:, :x].any(axis=1), own[:, -x:].any(axis=1))
    return sum(side.mean() > MIN_SIDE_COVERED for side in sides) >= 3
