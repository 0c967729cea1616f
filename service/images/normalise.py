"""Turn a grey picture of a digit into the 28 × 28 image that the network reads, as MNIST was made.

    reduce        a large picture, by the mean of blocks
    subtract      the background; the rest is ink, bright on black (background.py)
    threshold     strokes apart from noise and faint ink (ink.py)
    choose        the digit's ink: no lines, frames, specks, edges of the paper (line_removal.py,
                  connected_components.py)
    crop          to the digit, from the original picture if the digit is small in it
    adjust        the stroke width (stroke_width.py)
    scale         longest side 20 pixels, aspect ratio kept, strong ink white
    centre        the centre of mass in the middle of 28 × 28 pixels

MNIST was made by the last two steps, from clean scans (LeCun, Cortes, Burges, 1998). Its images pass
unchanged: their background is even, and their longest side is 19 or 20 pixels. Any image like that is only
centred, and no ink is removed: at this size, a faint pixel is the edge of a stroke, not a speck.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.images.background import Background, estimate_background, subtract_background
from service.images.codec import Grey, Mask, reduced, resized
from service.images.connected_components import MIN_SIDE_COVERED, SIDE_BAND, digit_components
from service.images.ink import MIN_CONTRAST, Box, Profiles, bounding_box, ink_level, ink_threshold, profiles
from service.images.line_removal import erase_lines
from service.images.stroke_width import DIGIT_SIDE, adjusted_stroke_width, dilated

SIDE = 28
# The longest side of MNIST's digits; a few have 19 pixels.
MNIST_SIDES = {19, 20}
# Longest sides: of the picture that is searched, of the mask on which the digit is chosen, and of the digit.
MAX_SIDE = 512
MASK_SIDE = 128
DETAIL_SIDE = 100
# Ink above these shares of the threshold may be part of a printed line, or the soft edge of a stroke.
FAINT_SHARE = 0.4
EDGE_SHARE = 0.25
# The longest side of a crisp digit grows by at most this many pixels if soft edges count.
MAX_SOFT_EDGES = 4


@dataclass(frozen=True)
class Receipt:
    """What was done to a picture.

    inverted: its ink was the darker. crop: the digit's bounding box in the picture's own pixels (left, top,
    right, bottom). scale: pixels of the 28 × 28 per pixel of the picture. shift: column and row of the crop's
    top left corner in the 28 × 28. ink_fraction: the share of the 784 pixels that have ink.
    """

    inverted: bool
    crop: tuple[int, int, int, int]
    scale: float
    shift: tuple[int, int]
    ink_fraction: float


def normalise(grey: Grey) -> tuple[Grey, Receipt]:
    """Return a picture's digit as in MNIST, uint8 (28, 28), bright on black, and what was done.

    grey is uint8 (height, width). Raises InvalidImage, blank_image, if there is no ink.

    >>> image = np.full((100, 50), 255, np.uint8); image[20:60, 20:25] = 0
    >>> receipt = normalise(image)[1]
    >>> receipt.inverted, receipt.crop, receipt.scale, receipt.shift
    (True, Box(left=20, top=20, right=25, bottom=60), 0.5, (13, 4))
    """
    factor = math.ceil(max(grey.shape) / MAX_SIDE)
    picture = reduced(grey, factor)
    background = estimate_background(picture)
    ink = subtract_background(background, picture)
    peaks = profiles(ink)
    box = bounding_box(peaks, background.noise)
    if background.noise == 0 and box.longest_side in MNIST_SIDES and peaks[0].max() >= MIN_CONTRAST:
        digit, scale = box.crop(ink), 1.0
    else:
        ink, box = _digit_ink(ink, peaks, background.noise)
        if factor > 1:
            ink, box = _from_original(grey, factor, background, ink, box)
        digit, scale = _scaled(ink), DIGIT_SIDE / box.longest_side
    row, column = _offset(digit.sum(axis=1)), _offset(digit.sum(axis=0))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[row : row + digit.shape[0], column : column + digit.shape[1]] = digit
    ink_fraction = float(np.count_nonzero(image)) / image.size
    return image, Receipt(background.inverted, box, scale, (column, row), ink_fraction)


def _digit_ink(ink: Grey, peaks: Profiles, noise: int) -> tuple[Grey, Box]:
    """Return the digit's ink, cropped, all other ink removed; and its bounding box in the picture.

    peaks are the profiles of ink. Raises InvalidImage, blank_image.
    """
    threshold = ink_threshold(ink, noise)
    box = bounding_box(peaks, threshold)
    edge_threshold = int(EDGE_SHARE * threshold)
    with_edges = bounding_box(peaks, edge_threshold)
    is_crisp = noise == 0 and with_edges.longest_side <= box.longest_side + MAX_SOFT_EDGES
    if is_crisp and _is_alone(ink, peaks, box, threshold):
        return with_edges.crop(ink), with_edges
    faint = max(noise * 3 // 4, int(FAINT_SHARE * threshold))
    mask = _digit_mask(ink > threshold, ink > faint)
    # Strokes are soft: their edges, a pixel wide, are below the threshold.
    ink = ink * dilated(mask.view(np.uint8), 1)
    box = bounding_box(profiles(ink), edge_threshold)
    return box.crop(ink), box


def _is_alone(ink: Grey, peaks: Profiles, box: Box, threshold: int) -> bool:
    """Say whether all ink is the digit, so that nothing must be chosen.

    It must not touch the edge, nor have a gap in its rows or columns, nor the left side of a frame.
    """
    for profile in peaks:
        is_ink = profile > threshold
        if is_ink[0] or is_ink[-1] or np.count_nonzero(is_ink[1:] != is_ink[:-1]) != 2:
            return False
    digit = box.crop(ink)
    side = digit[:, : max(digit.shape[1] // SIDE_BAND, 1)].max(axis=1)
    return int(np.count_nonzero(side > threshold)) < MIN_SIDE_COVERED * len(side)


def _digit_mask(mask: Mask, faint: Mask) -> Mask:
    """Return the digit's part of a mask; faint is the mask of a lower threshold.

    It is chosen on a smaller mask, in which a cell has ink if any of its pixels has. A cell has so few that
    their mean is above 0 even if only one is white.
    """
    cell = math.ceil(max(mask.shape) / MASK_SIDE)
    cells, faint_cells = (reduced(levels * np.uint8(255), cell) > 0 for levels in (mask, faint))
    without_lines = erase_lines(cells, faint_cells)
    digit = digit_components(without_lines if without_lines.any() else cells)
    return mask & digit.repeat(cell, 0).repeat(cell, 1)[: mask.shape[0], : mask.shape[1]]


def _from_original(grey: Grey, factor: int, background: Background, ink: Grey, box: Box) -> tuple[Grey, Box]:
    """Return the digit's ink in more detail, if it is small, and its box in the original picture.

    ink and box are of the picture that was reduced by factor. Only pixels near that ink are kept.
    """
    limits = grey.shape[::-1] * 2
    original = Box(*(min(edge * factor, limit) for edge, limit in zip(box, limits, strict=True)))
    if max(ink.shape) >= DETAIL_SIDE:
        return ink, original
    step = math.ceil(original.longest_side / DETAIL_SIDE)
    part = reduced(original.crop(grey), step)
    rows, columns = (np.arange(side) * step // factor for side in part.shape)
    near = dilated((ink > 0).view(np.uint8), 1)
    near = near.take(rows, axis=0, mode="clip").take(columns, axis=1, mode="clip")
    return subtract_background(background, part, box) * near, original


def _scaled(ink: Grey) -> Grey:
    """Return a digit with strokes of MNIST's width, a longest side of 20 pixels, and strong ink white."""
    ink = reduced(ink, math.ceil(max(ink.shape) / DETAIL_SIDE))
    strong = ink_level(ink, 0)
    ink = adjusted_stroke_width(ink, strong)
    longest = max(ink.shape)
    height, width = (max(1, round(side * DIGIT_SIDE / longest)) for side in ink.shape)
    # Scaling down softens the edges of strokes, so they are sharpened first.
    black, white = (0.25 * strong, 0.75 * strong) if longest > 2 * DIGIT_SIDE else (0.0, strong)
    levels = np.clip((np.arange(256) - black) * (255 / (white - black)), 0, 255).astype(np.uint8)
    digit = resized(levels.take(ink), (width, height))
    return (digit * np.float32(255 / max(int(digit.max()), 1))).astype(np.uint8)


def _offset(profile: npt.NDArray[np.unsignedinteger]) -> int:
    """Return where an axis must start for its centre of mass to be nearest to 14, within the 28 pixels.

    profile is the sum of the digit's levels in each row or column.
    """
    centre_of_mass = float(profile @ np.arange(len(profile))) / float(profile.sum())
    return min(max(math.ceil(SIDE / 2 - centre_of_mass - 0.5), 0), SIDE - len(profile))
