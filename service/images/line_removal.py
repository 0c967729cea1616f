"""Rules, squares, forms: straight thin lines from edge to edge of the picture, found and erased.

For each slope up to 20°, every pixel of ink (x, y) is counted by y - slope · x (a Hough transform): a
line puts one pixel there for each column that it covers. The same on its side finds upright lines.
"""

import numpy as np
import numpy.typing as npt

from service.images.connected_components import Indices, Mask
from service.images.stroke_width import thickened

STEEPEST = 0.36
# A line covers this share of its way through the picture, and begins and ends this near to the edges.
LEAST_COVERED = 0.75
END_SHARE = 0.06
# Where more than this share is ink, lines can't be told from it.
MOST_INK = 0.4
# Squared paper gives some hundreds of candidates, each line several; noise gives many thousands.
MOST_LINES = 3000
# How thick a line is at most, as a share of the picture's longest side.
THICKEST_LINE = 0.031


def erase_lines(mask: Mask, faint: Mask) -> Mask:
    """Erase thin straight lines from edge to edge, where nothing crosses them.

    A line shows best where faint ink counts too: that mask finds lines, the other loses them.
    """
    if THICKEST_LINE * max(mask.shape) < 2 or np.count_nonzero(faint) > MOST_INK * faint.size:
        return mask
    return mask & ~_lines(mask, faint) & ~_lines(mask.T, faint.T).T


def _lines(mask: Mask, faint: Mask) -> Mask:
    """Return the pixels of lines that are level to within 20°.

    For each slope, pixels (x, y) are counted by y - slope · x: a line puts one in each column it covers.
    """
    height, width = mask.shape
    y, x = np.nonzero(faint)
    found = np.zeros_like(mask)
    slopes = np.linspace(-STEEPEST, STEEPEST, 2 * round(STEEPEST * width) + 1)
    reach = height + 2 * width
    middle = width // 2
    offset = y - np.rint(slopes[:, None] * (x - middle)).astype(np.intp) + width
    index = offset + reach * np.arange(len(slopes))[:, None]
    counts = np.bincount(index.ravel(), minlength=len(slopes) * reach).reshape(len(slopes), reach)
    # A line between two offsets has its pixels in both.
    counts[:, :-1] += counts[:, 1:]
    first, last = _chords(slopes, reach, mask.shape)
    long = (counts >= LEAST_COVERED * (last - first)) & (last - first >= width / 3)
    if np.count_nonzero(long) > MOST_LINES:
        return found
    for which, at in np.argwhere(long):
        columns = np.arange(first[which, at], last[which, at] + 1)
        rows = at - width + np.rint(slopes[which] * (columns - middle)).astype(np.intp)
        rows = rows.clip(0, height - 2)
        covered = np.flatnonzero(faint[rows, columns] | faint[rows + 1, columns])
        margin = END_SHARE * len(columns)
        ends = len(covered) and covered[0] <= margin and covered[-1] >= len(columns) - 1 - margin
        if ends and len(covered) >= LEAST_COVERED * len(columns):
            found[rows, columns] = found[rows + 1, columns] = True
    near = thickened(found.view(np.uint8), 1).view(bool)
    return mask & near & (_run_lengths(mask) <= THICKEST_LINE * max(mask.shape))


def _chords(slopes: npt.NDArray[np.float64], reach: int, shape: tuple[int, ...]) -> tuple[Indices, Indices]:
    """Return the first and last column in which each line, by slope and offset, is within the picture."""
    height, width = shape
    offsets = np.arange(reach) - width
    steep = np.where(np.abs(slopes) < 1e-9, 1e-9, slopes)[:, None]
    ends = np.stack([-offsets / steep, (height - 1 - offsets) / steep]) + width // 2
    first, last = np.clip(np.sort(ends, axis=0), -1, width).astype(np.intp)
    return np.maximum(first, 0), np.minimum(last, width - 1)


def _run_lengths(mask: Mask) -> Indices:
    """Return for each pixel of ink how long the vertical run through it is; 0 elsewhere."""
    flat = np.pad(mask.T, ((0, 0), (1, 1))).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    length = changes[1::2] - changes[::2]
    lengths = np.zeros(mask.shape[::-1], np.intp)
    lengths[mask.T] = np.repeat(length, length)
    return lengths.T
