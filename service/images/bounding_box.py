"""Bounding boxes of ink, found from its profiles: the maximum of each row and of each column.

The profiles of a picture are computed once, and then searched for several thresholds.
"""

from typing import NamedTuple

import numpy as np

from service.images.codec import Grey

Profiles = tuple[Grey, Grey]  # (height,), (width,)


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
