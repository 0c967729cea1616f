"""Erase printed lines: thin and straight, from edge to edge of the picture, as on ruled or squared paper.

Lines are found by a Hough transform (Duda, Hart, 1972). A line that is at most 20° from horizontal is

    y = slope · (x - middle) + offset

For each of many slopes, each pixel of ink votes for the offset of the line through it. A line that covers
most of its columns has that many votes. Vertical lines are found in the transposed picture.
"""

from collections.abc import Iterator

import numpy as np

from service.images.codec import Mask
from service.images.connected_components import Indices, Reals, runs
from service.images.stroke_width import dilated

MAX_SLOPE = 0.36
# A line has ink in this share of its columns, and at each end at most END_SHARE of them are blank.
MIN_COVERED = 0.75
END_SHARE = 0.06
# Lines shorter than this share of the picture's width, in a corner, are not erased.
MIN_LENGTH_SHARE = 1 / 3
# If more than this share of the picture is ink, lines can't be told from it.
MAX_INK_SHARE = 0.4
# Squared paper gives some hundreds of candidates, several for each line; noise gives many thousands.
MAX_CANDIDATES = 3000
# The largest width of a line, as a share of the picture's longest side.
MAX_WIDTH_SHARE = 0.031


def erase_lines(mask: Mask, faint: Mask) -> Mask:
    """Return a mask (height, width) without thin lines; strokes that cross a line stay.

    faint is the mask of a lower threshold, in which lines have fewer gaps: it is used to find them. A small
    picture, where the largest width of a line is below 2 pixels, is returned as it is.
    """
    if MAX_WIDTH_SHARE * max(mask.shape) < 2 or np.count_nonzero(faint) > MAX_INK_SHARE * faint.size:
        return mask
    return mask & ~_horizontal_lines(mask, faint) & ~_horizontal_lines(mask.T, faint.T).T


def _horizontal_lines(mask: Mask, faint: Mask) -> Mask:
    """Return the pixels of thin lines that are at most 20° from horizontal."""
    near_lines = np.zeros_like(mask)
    for rows, columns in _candidates(faint):
        rows = rows.clip(0, len(mask) - 2)
        covered = faint[rows, columns] | faint[rows + 1, columns]
        end = int(END_SHARE * len(columns)) + 1
        if covered[:end].any() and covered[-end:].any() and covered.mean() >= MIN_COVERED:
            near_lines[rows, columns] = near_lines[rows + 1, columns] = True
    near_lines = dilated(near_lines.view(np.uint8), 1).view(bool)
    return mask & near_lines & (_vertical_run_lengths(mask) <= MAX_WIDTH_SHARE * max(mask.shape))


def _candidates(faint: Mask) -> Iterator[tuple[Indices, Indices]]:
    """Yield rows and columns of each line with enough votes, but none at all if these lines are too many.

    A line between two offsets has its pixels in both, so that each offset also gets the next one's votes.
    """
    height, width = faint.shape
    middle = width // 2
    slopes = np.linspace(-MAX_SLOPE, MAX_SLOPE, 2 * round(MAX_SLOPE * width) + 1)
    # A steep line through a corner crosses the middle column outside the picture, less than a width away.
    offsets = np.arange(-width, height + width)
    y, x = np.nonzero(faint)
    bins = y - np.rint(slopes[:, None] * (x - middle)).astype(np.intp) + width
    votes = np.stack([np.bincount(of_slope, minlength=len(offsets)) for of_slope in bins])
    votes[:, :-1] += votes[:, 1:]
    first, last = _columns_inside(slopes, offsets, faint.shape)
    length = last - first
    lines = np.argwhere((votes >= MIN_COVERED * length) & (length >= MIN_LENGTH_SHARE * width))
    for slope, offset in lines if len(lines) <= MAX_CANDIDATES else ():
        columns = np.arange(first[slope, offset], last[slope, offset] + 1)
        yield offsets[offset] + np.rint(slopes[slope] * (columns - middle)).astype(np.intp), columns


def _columns_inside(slopes: Reals, offsets: Indices, shape: tuple[int, ...]) -> tuple[Indices, Indices]:
    """Return the first and the last column in which each line is inside the picture, (slopes, offsets)."""
    height, width = shape
    steep = np.where(np.abs(slopes) < 1e-9, 1e-9, slopes)[:, None]
    # Where the line meets the first and the last row.
    ends = np.stack([-offsets / steep, (height - 1 - offsets) / steep]) + width // 2
    first, last = np.clip(np.sort(ends, axis=0), -1, width).astype(np.intp)
    return np.maximum(first, 0), np.minimum(last, width - 1)


def _vertical_run_lengths(mask: Mask) -> Indices:
    """Return for each pixel of ink the length of the vertical run through it; 0 elsewhere."""
    start, end = runs(mask.T)
    lengths = np.zeros(mask.shape[::-1], np.intp)
    lengths[mask.T] = np.repeat(end - start, end - start)
    return lengths.T
