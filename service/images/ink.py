"""How strong ink is, the threshold above which a pixel belongs to a stroke (Otsu, 1979), and where these lie.

Otsu's method splits the histogram into two classes such that the variance between them is greatest. For a
split behind each level, with cumulative sums over the levels,

    number = Σ counts                    pixels up to the split; number[-1] is all of them
    sums = Σ counts · level              the sum of their levels
    below, above                         pixels in the lower and in the upper class
    variance = (sums[-1] · below / number[-1] - sums)² / (below · above)

The upper class is strong ink. Its mean is the level of strong ink; the threshold is a share of it.

Bounding boxes are found from profiles: the maximum of each row and of each column. The profiles of a picture
are computed once, and then searched for several thresholds.
"""

import math
from typing import NamedTuple

import numpy as np

from service.images.codec import Grey, InvalidImage

Profiles = tuple[Grey, Grey]  # (height,), (width,)
# The threshold is this share of the level of strong ink.
THRESHOLD_SHARE = 0.45
# Strong ink must stand out from the background by this many of 255 levels.
MIN_CONTRAST = 16
SAMPLE_PIXELS = 4096


class Box(NamedTuple):
    """Edges in pixels; right and bottom are the first column and row outside. Empty: all four are 0."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def longest_side(self) -> int:
        """The longer of width and height."""
        return max(self.right - self.left, self.bottom - self.top)

    def crop(self, picture: Grey) -> Grey:
        """Return a view of the part of a picture (height, width) inside the box."""
        return picture[self.top : self.bottom, self.left : self.right]


def ink_threshold(ink: Grey, noise: int) -> int:
    """Return the level above which ink (height, width) is a stroke.

    Raises InvalidImage, blank_image, if nothing stands out from the background and its noise.
    """
    strong = ink_level(ink, noise)
    if strong < MIN_CONTRAST or strong <= noise:
        raise InvalidImage("blank_image", "The image looks blank: no strokes stand out from the background.")
    return max(noise, int(THRESHOLD_SHARE * strong))


def ink_level(ink: Grey, noise: int) -> float:
    """Return the mean level of strong ink: Otsu's upper class of the pixels above the noise.

    >>> ink_level(np.repeat(np.array([0, 40, 200], np.uint8), 1000)[None], 5)
    200.0
    """
    sample = _sample(ink)
    counts = np.bincount(sample[sample > noise], minlength=256)
    number = np.cumsum(counts)
    if not number[-1]:
        return float(ink.max())
    sums = np.cumsum(counts * np.arange(256))
    below, above = number[:-1], np.maximum(number[-1] - number[:-1], 1)
    variance = (sums[-1] * (below / number[-1]) - sums[:-1]) ** 2 / (np.maximum(below, 1) * above)
    split = int(variance.argmax())
    return float((sums[-1] - sums[split]) / above[split])


def profiles(picture: Grey) -> Profiles:
    """Return the maximum of each row and of each column of a picture (height, width)."""
    return picture.max(axis=1), picture.max(axis=0)


def bounding_box(profiles: Profiles, threshold: int) -> Box:
    """Return the smallest box with all pixels above a threshold.

    >>> bounding_box(profiles(np.array([[0, 0, 0], [0, 5, 9]], np.uint8)), 4)
    Box(left=1, top=1, right=3, bottom=2)
    """
    rows, columns = (np.flatnonzero(profile > threshold) for profile in profiles)
    if not len(rows):
        return Box(0, 0, 0, 0)
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _sample(ink: Grey) -> Grey:
    """Return some 4,096 pixels: every n-th, where n shares no factor with the width, to meet every column."""
    step = max(ink.size // SAMPLE_PIXELS, 1)
    while math.gcd(step, ink.shape[1]) > 1:
        step += 1
    return ink.ravel()[::step]
