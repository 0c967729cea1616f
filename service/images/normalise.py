"""From grey levels to the 28 × 28 image that the network knows how to read, and what was done.

    reduce      a large picture, by whole blocks: quicker, and less noise
    subtract    the background, even or not; what stands out from it is ink (background.py)
    threshold   between faint ink and strong, from the histogram of what is above the noise (Otsu, 1979)
    choose      the digit among all ink: no specks, lines, boxes, edges of paper (lines.py, components.py)
    crop        to the digit, from the original where it is small in the picture
    widen       hairlines to what MNIST's pens draw; thin what is much bolder (shape.py)
    scale       longest side 20 pixels, the aspect kept, the strongest ink white
    place       centre of mass in the middle of 28 × 28 pixels

That is how MNIST itself was made (LeCun, Cortes, Burges, 1998), from ink on an even ground that was
scanned clean. Its images pass unchanged, because each step finds nothing to do: the ground is 0
and even, the longest side 20 pixels, the centre of mass in the middle. Ink that fits so is not judged
any further, whoever sent it: at this size a pixel more or less is a stroke's edge, and no speck.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from service.images.background import Background, ink_above, measure, strong_level
from service.images.codec import Grey, InvalidImage, reduced
from service.images.connected_components import BOX_COVERED, Mask, digit_of
from service.images.line_removal import erase_lines
from service.images.stroke_width import BOX, SHAPE_SIDE, THRESHOLD_SHARE, shaped, thickened

SIDE = 28
CENTRE = 14
# MNIST has a few digits of 19 pixels.
BOX_TOLERANCE = 1
# Grey levels of 255 by which strong ink must stand out for there to be any.
LEAST_CONTRAST = 16
# Pictures are reduced to this side, and the digit among all ink is chosen on a mask of the other.
LARGEST_SIDE = 512
MASK_SIDE = 128
# Lines are looked for among ink with this share of the threshold.
FAINT_SHARE = 0.4

Extent = tuple[int, int, int, int]  # left, top, right, bottom
Levels = TypeVar("Levels", Grey, Mask)


@dataclass(frozen=True)
class Receipt:
    """What was done to an image: crop in its own pixels, scale and shift into the 28 × 28."""

    inverted: bool
    crop: tuple[int, int, int, int]  # left, top, right, bottom
    scale: float
    shift: tuple[int, int]  # where the crop's left top corner went: column, row
    ink_fraction: float


def normalise(grey: Grey) -> tuple[Grey, Receipt]:
    """Bring a grey image to MNIST's form and say what was done.

    Raises InvalidImage: blank_image, when there is nothing to read.

    >>> image = np.full((100, 50), 255, np.uint8); image[20:60, 20:25] = 0
    >>> normalise(image)[1]
    Receipt(inverted=True, crop=(20, 20, 25, 60), scale=0.5, shift=(13, 4), ink_fraction=0.05...)
    """
    factor = math.ceil(max(grey.shape) / LARGEST_SIDE)
    picture = reduced(grey, factor)
    background = measure(picture)
    ink = ink_above(background, picture)
    peaks = ink.max(axis=1), ink.max(axis=0)
    extent = _extent(*peaks, background.noise)
    fits = background.noise == 0 and _longest(extent) in {BOX - BOX_TOLERANCE, BOX}
    if fits and peaks[0].max() >= LEAST_CONTRAST:
        digit = _cut(ink, extent)
        scale = 1.0
    else:
        ink, extent = _chosen_ink(ink, peaks, background.noise)
        if factor > 1:
            ink, extent = _from_original(grey, factor, background, ink, extent)
        digit, scale = shaped(ink, _longest(extent))
    row, column = (_offset(digit.sum(axis=1)), _offset(digit.sum(axis=0)))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[row : row + digit.shape[0], column : column + digit.shape[1]] = digit
    ink_fraction = float(np.count_nonzero(image)) / image.size
    return image, Receipt(background.inverted, extent, scale, (column, row), ink_fraction)


def _chosen_ink(ink: Grey, peaks: tuple[Grey, Grey], noise: int) -> tuple[Grey, Extent]:
    """Return the digit's ink, what is not the digit's blackened, and its box in the picture.

    peaks are each row's and each column's strongest ink. Raises InvalidImage: blank_image.
    """
    threshold = _threshold(ink, noise)
    extent = _extent(*peaks, threshold)
    if not _longest(extent):
        raise _blank()
    soft = _extent(*peaks, threshold // 4)
    if noise == 0 and _longest(soft) <= _longest(extent) + 4 and _stands_alone(ink, peaks, extent, threshold):
        return _cut(ink, soft), soft
    faint = max(noise * 3 // 4, int(FAINT_SHARE * threshold))
    mask = chosen(ink > threshold, ink > faint)
    extent = _grown(_extent(mask.max(axis=1), mask.max(axis=0), 0), ink)
    mask = _cut(mask, extent)
    digit = _cut(ink, extent) * thickened(mask.view(np.uint8), 1)
    return _trimmed(digit, extent, threshold // 4)


def _trimmed(ink: Grey, extent: Extent, least: int) -> tuple[Grey, Extent]:
    """Cut off rows and columns without ink above a level, and return the box of what is left."""
    left, top, right, bottom = inner = _extent(ink.max(axis=1), ink.max(axis=0), least)
    return _cut(ink, inner), (extent[0] + left, extent[1] + top, extent[0] + right, extent[1] + bottom)


def _from_original(
    grey: Grey, factor: int, background: Background, ink: Grey, extent: Extent
) -> tuple[Grey, Extent]:
    """Return the digit's ink, from the original's own pixels if it is small there, and its box in them.

    ink and extent are of the picture that was reduced by factor.
    """
    height, width = grey.shape
    left, top, right, bottom = (edge * factor for edge in extent)
    original = (left, top, min(right, width), min(bottom, height))
    if max(ink.shape) >= SHAPE_SIDE:
        return ink, original
    finer = math.ceil(_longest(original) / SHAPE_SIDE)
    part = reduced(_cut(grey, original), finer)
    near = thickened((ink > 0).view(np.uint8), 1)
    rows, columns = (
        np.minimum(np.arange(side) * finer // factor, limit - 1)
        for side, limit in zip(part.shape, ink.shape, strict=True)
    )
    return ink_above(background, part, extent) * near[rows[:, None], columns], original


def _threshold(ink: Grey, noise: int) -> int:
    """Return the level above which ink is a stroke: a share of what the strong ink has.

    Raises InvalidImage, blank_image, for ink that does not stand out.
    """
    strong = strong_level(ink, noise)
    if strong < max(LEAST_CONTRAST, noise):
        raise _blank()
    return max(noise, int(THRESHOLD_SHARE * strong))


def _blank() -> InvalidImage:
    return InvalidImage("blank_image", "There is nothing to read: the image has no ink on a background.")


def _stands_alone(ink: Grey, peaks: tuple[Grey, Grey], extent: Extent, threshold: int) -> bool:
    """Say whether there is nothing to choose: no gap in the ink's rows and columns, no full side, no edge."""
    left, top, right, bottom = extent
    height, width = ink.shape
    if top == 0 or left == 0 or bottom == height or right == width:
        return False
    if peaks[0][top:bottom].min() <= threshold or peaks[1][left:right].min() <= threshold:
        return False
    side = ink[top:bottom, left : left + max((right - left) // 6, 1)].max(axis=1)
    return int(np.count_nonzero(side > threshold)) < BOX_COVERED * len(side)


def chosen(mask: Mask, faint: Mask) -> Mask:
    """Return the digit's part of a mask, chosen on cells that bear ink where any of their pixels does."""
    cell = math.ceil(max(mask.shape) / MASK_SIDE)
    cells = _cells(mask, cell)
    without = erase_lines(cells, _cells(faint, cell))
    digit = digit_of(without if without.any() else cells)
    return mask & digit.repeat(cell, 0).repeat(cell, 1)[: mask.shape[0], : mask.shape[1]]


def _cells(mask: Mask, cell: int) -> Mask:
    """Return whether there is ink in each cell of cell × cell pixels; the last ones may be cut."""
    height, width = (-(-side // cell) for side in mask.shape)
    padded = np.zeros((height * cell, width * cell), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    cells: Mask = padded.reshape(height, cell, width, cell).max(axis=(1, 3))
    return cells


def _extent(rows: Grey | Mask, columns: Grey | Mask, least: int) -> Extent:
    """Return the box of what is above a level, from each row's and column's peak; all 0 if nothing is."""
    inside = [np.flatnonzero(peaks > least) for peaks in (columns, rows)]
    if not (len(inside[0]) and len(inside[1])):
        return 0, 0, 0, 0
    (left, right), (top, bottom) = ((int(where[0]), int(where[-1]) + 1) for where in inside)
    return left, top, right, bottom


def _grown(extent: Extent, ink: Grey) -> Extent:
    """Add a pixel on each side, for strokes' soft edges, within the picture."""
    left, top, right, bottom = extent
    height, width = ink.shape
    return max(left - 1, 0), max(top - 1, 0), min(right + 1, width), min(bottom + 1, height)


def _cut(picture: Levels, extent: Extent) -> Levels:
    left, top, right, bottom = extent
    return picture[top:bottom, left:right]


def _longest(extent: Extent) -> int:
    return max(extent[2] - extent[0], extent[3] - extent[1])


def _offset(ink: npt.NDArray[np.unsignedinteger]) -> int:
    """Return where an axis must start for its centre of mass to lie at the centre, within the frame."""
    total = float(ink.sum())
    centre_of_mass = float(ink @ np.arange(len(ink))) / total
    return min(max(math.ceil(CENTRE - centre_of_mass - 0.5), 0), SIDE - len(ink))
