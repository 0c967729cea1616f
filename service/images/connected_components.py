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

from service.images.codec import Mask

Indices = npt.NDArray[np.intp]
Reals = npt.NDArray[np.float64]

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
    """Labels (height, width), -1 where there is no ink; area (n,) and bounding box of each of n components.

    low (n, 2) has the first row and column of a box, high (n, 2) the first row and column after it.
    """

    labels: Indices
    area: Indices
    low: Indices
    high: Indices


def runs(mask: Mask) -> tuple[Indices, Indices]:
    """Return start and end of each run of ink in the rows of a mask (height, width).

    The rows are laid end to end, with a blank pixel before and after each: no run continues in the next row.

    >>> [indices.tolist() for indices in runs(np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool))]
    [[1, 4, 7], [3, 5, 8]]
    """
    flat = np.pad(mask, ((0, 0), (1, 1))).ravel()
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
    start, end = runs(mask)
    width = mask.shape[1] + 2
    label = _merged(len(start), *_touching(start, end, width))
    labels = np.full(mask.shape, -1, np.intp)
    labels[mask] = np.repeat(label, end - start)
    area = np.bincount(label, end - start).astype(np.intp)
    low, high = np.full((len(area), 2), max(mask.shape)), np.zeros((len(area), 2), np.intp)
    np.minimum.at(low, label, np.column_stack(np.divmod(start - 1, width)))
    np.maximum.at(high, label, np.column_stack(np.divmod(end - 2, width)) + 1)
    return Components(labels, area, low, high)


def _touching(start: Indices, end: Indices, width: int) -> tuple[Indices, Indices]:
    """Return the pairs of runs that touch, in rows one above the other: the upper runs and the lower ones."""
    first = np.searchsorted(end, start + width, side="left")
    last = np.searchsorted(start, end + width, side="right")
    count = last - first
    upper = np.repeat(np.arange(len(start)), count)
    return upper, np.arange(len(upper)) + np.repeat(first + count - np.cumsum(count), count)


def _merged(number: int, upper: Indices, lower: Indices) -> Indices:
    """Label runs so that pairs of touching runs have the same label; labels count from 0.

    Each run begins with its own label; both of a pair take the smaller one, until no label changes.
    """
    label = np.arange(number)
    while (label[upper] != label[lower]).any():
        least = np.minimum(label[upper], label[lower])
        np.minimum.at(label, label[upper], least)
        np.minimum.at(label, label[lower], least)
        label = label[label]
    return np.unique(label, return_inverse=True)[1]


def digit_components(mask: Mask) -> Mask:
    """Return the part of a mask (height, width) that is the digit; all of it if only frames are found."""
    found = connected_components(mask)
    if len(found.area) < 2:
        return mask
    length = (found.high - found.low).max(axis=1)
    from_edge = _from_edge(found)
    weight = _weight(found, from_edge)
    for index in np.flatnonzero(length > MIN_FRAME_SHARE * max(mask.shape)):
        if _is_frame(found, int(index)):
            weight[index] = 0
    main = int(weight.argmax())
    if not weight[main]:
        return mask
    # The larger of the gaps between the boxes, in rows and in columns; it is negative if they overlap.
    gap = np.maximum(found.low - found.high[main], found.low[main] - found.high).max(axis=1)
    is_stroke = (weight > 0) & (length >= MIN_STROKE_SHARE * length[main])
    is_stroke &= (~from_edge | from_edge[main]) & (gap <= MAX_GAP_SHARE * length[main])
    # The label -1 selects the last value, which is for pixels without ink.
    return np.append(is_stroke, False)[found.labels]


def _from_edge(found: Components) -> Mask:
    """Say which components touch the edge and have more than three quarters of their ink near it."""
    height, width = found.labels.shape
    touches = ((found.low == 0) | (found.high == (height, width))).any(axis=1)
    y, x = round(MARGIN_SHARE * height), round(MARGIN_SHARE * width)
    inner = found.labels[y : height - y, x : width - x]
    inner_area = np.bincount(inner[inner >= 0], minlength=len(found.area))
    return touches & (4 * inner_area < found.area)


def _weight(found: Components, from_edge: Mask) -> Reals:
    """Return the weights; a box's centre is from -1 to 1 in the picture, along each axis."""
    centre = (found.low + found.high) / found.labels.shape - 1
    return np.where(from_edge, EDGE_WEIGHT, 1.0) * (np.exp(-(centre**2).sum(axis=1)) * found.area)


def _is_frame(found: Components, index: int) -> bool:
    """Say whether a component has ink along three sides of its box, and other components inside it."""
    low, high = found.low[index], found.high[index]
    inside = ((found.low > low) & (found.high < high)).all(axis=1)
    # Specks inside do not make a frame.
    if found.area[inside].sum() <= found.area[index] / 20:
        return False
    own = found.labels[low[0] : high[0], low[1] : high[1]] == index
    y, x = np.maximum((high - low) // SIDE_BAND, 1)
    sides = (own[:y].any(axis=0), own[-y:].any(axis=0), own[:, :x].any(axis=1), own[:, -x:].any(axis=1))
    return sum(side.mean() > MIN_SIDE_COVERED for side in sides) >= 3
