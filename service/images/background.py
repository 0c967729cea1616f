"""Estimate what the ink stands on, and subtract it.

    estimate_background    level, polarity and noise of the background
    subtract_background    how far each pixel stands out from it: the ink, 0 to 255

A background is of one of two kinds.

Even: drawings, screenshots, MNIST. At least half of the border's pixels, and a quarter of all pixels, have
exactly the same level. That level is the background, and there is no noise.

Uneven: photos, scans.
    grid         the means of square cells, at most 64 in a row or column
    polarity     whether the ink is darker or brighter than the background; dark ink is inverted
    level        the grid after an opening: strokes vanish, slopes of light and soft shadows stay
    noise        from the pixels of the picture minus level, most of which are background
    gain         dark ink is strengthened where its paper is dark, because in a shadow the two differ by less

Source of openings and top-hats: Serra, Image Analysis and Mathematical Morphology, 1982.
"""

import math
from dataclasses import dataclass

import numpy as np

from service.images.codec import Floats, Grey, reduced, resized
from service.images.ink import Box

# An even background is at least this share of all pixels.
MIN_EVEN_SHARE = 0.25
MAX_GRID_SIDE = 64
# A window is this share of the shorter side: wider than a broad pen's stroke, and narrower than a shadow.
WINDOW_SHARE = 0.3
# Windows for the polarity, from fine strokes to broad ones.
POLARITY_WINDOW_SHARES = (0.04, 0.08, 0.16, 0.3)
# Differences up to four standard deviations are noise. For normal noise, a standard deviation is 1.4826 times
# the median of the absolute values.
NOISE_FACTOR = 4 * 1.4826
# Paper darker than a quarter of white has more noise than ink: its ink is strengthened no further.
MAX_GAIN = np.float32(4)
NOISE_SAMPLE_PIXELS = 16384


@dataclass(frozen=True)
class Background:
    """An estimated background.

    inverted: the ink is the darker, and levels are counted from white: 255 minus the picture's. level: one
    number, or a grid, where each value stands for cell × cell pixels. noise: smaller differences are not ink.
    """

    inverted: bool
    level: Floats | int
    noise: int
    cell: int = 1

    def interpolated(self, shape: tuple[int, ...], box: Box | None = None) -> Floats:
        """Return the grid's levels, interpolated to a shape (height, width).

        They are those of the whole picture, or of the part in a box.
        """
        grid, (height, width) = np.asarray(self.level, np.float32), shape
        edges = zip(box or (0, 0, width, height), grid.shape[::-1] * 2, strict=True)
        left, top, right, bottom = (min(edge / self.cell, limit) for edge, limit in edges)
        return resized(grid, (width, height), (left, top, right, bottom))


def estimate_background(picture: Grey) -> Background:
    """Estimate the background of a picture (height, width)."""
    border = np.sort(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]))
    median = int(border[len(border) // 2])
    # A level that more than half of the border's pixels have is their median.
    is_even = 2 * np.count_nonzero(border == median) >= len(border)
    if is_even and np.count_nonzero(picture == median) >= MIN_EVEN_SHARE * picture.size:
        return _even(picture, median)
    return _uneven(picture)


def subtract_background(background: Background, picture: Grey, box: Box | None = None) -> Grey:
    """Return how far each pixel is above the background, uint8 from 0 to 255, with the ink bright.

    The picture may be a part, at any scale, of the one whose background was estimated: box says which part.
    """
    levels = ~picture if background.inverted else picture
    if isinstance(background.level, int):
        level = np.uint8(background.level)
        return np.maximum(levels, level) - level if level else levels
    grid = background.interpolated(picture.shape, box)
    above = levels - grid
    if background.inverted:
        above *= _gain(grid)
    return np.clip(above, 0, 255).astype(np.uint8)


def _gain(level: Floats) -> Floats:
    """Return the factor by which dark ink must be strengthened to look as on white paper.

    Paper and ink reflect fixed shares of the light that they receive, so their difference is proportional
    to the paper's brightness. The level is inverted: 0 is white paper.
    """
    return np.minimum(np.float32(255) / np.maximum(255 - level, 1), MAX_GAIN)


def _even(picture: Grey, level: int) -> Background:
    """Return an even background: the ink is darker or brighter, whichever contrast is larger.

    If the contrasts are similar, the mean of the picture decides.
    """
    darker, brighter = level - int(picture.min()), int(picture.max()) - level
    inverted = darker > brighter
    if 4 * min(darker, brighter) > max(darker, brighter):
        inverted = int(picture.sum()) < level * picture.size
    return Background(inverted, 255 - level if inverted else level, 0)


def _uneven(picture: Grey) -> Background:
    cell = math.ceil(max(picture.shape) / MAX_GRID_SIDE)
    grid = reduced(picture, cell).astype(np.float32)
    inverted = _has_dark_ink(grid)
    grid = 255 - grid if inverted else grid
    # An opening does not follow a slope to the edge, where its windows end. The second level does, because
    # the slope is in the surface; but a surface does not follow a hard shadow. The higher level is closer.
    surface = quadratic_surface(grid)
    level = np.maximum(opened(grid, WINDOW_SHARE), surface + opened(grid - surface, WINDOW_SHARE))
    middle, noise = _noise(picture, Background(inverted, level, 0, cell))
    return Background(inverted, level + middle, noise, cell)


def _noise(picture: Grey, background: Background) -> tuple[np.float32, int]:
    """Return the median difference of the picture from a background, and the noise around that median.

    More than half of the pixels are background, so that ink hardly changes the medians.
    """
    level = background.interpolated(picture.shape)
    step = max(picture.size // NOISE_SAMPLE_PIXELS, 1)
    above = ((~picture if background.inverted else picture) - level).ravel()[::step]
    middle = np.median(above)
    gain = _gain(level.ravel()[::step]) if background.inverted else np.float32(1)
    return middle, math.ceil(NOISE_FACTOR * float(np.median(np.abs(above - middle) * gain)))


def _has_dark_ink(grid: Floats) -> bool:
    """Compare black top-hats (closing minus grid) with white ones (grid minus opening).

    Strokes are narrower than the gaps between them: they are in the top-hats of every window that is wider
    than they are, while gaps are only in those of larger windows, which count less. Slopes and steps of light
    are in none. If both are similar, the ink is dark, because most photos are of dark ink.
    """
    black = white = 0.0
    for share in POLARITY_WINDOW_SHARES:
        black += float(((opened(-grid, share) + grid) ** 2).sum()) / share**2
        white += float(((opened(grid, share) - grid) ** 2).sum()) / share**2
    return 4 * black >= 3 * white


def quadratic_surface(grid: Floats) -> Floats:
    """Return the surface of second degree, in x and y, that fits a grid with the least squared error.

    >>> grid = np.add.outer(np.arange(5.0), np.arange(7.0) ** 2).astype(np.float32)
    >>> bool(np.abs(quadratic_surface(grid) - grid).max() < 1e-3)
    True
    """
    y, x = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in grid.shape), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    weights = np.linalg.lstsq(terms, grid.ravel(), rcond=None)[0]
    return np.asarray(terms @ weights, np.float32).reshape(grid.shape)


def opened(levels: Floats, share: float) -> Floats:
    """Remove bright structures that are narrower than a window, whose side is a share of the shorter side.

    An opening is an erosion, then a dilation: the minimum over a square window, then the maximum, each along
    one axis, then the other, with the edge pixels repeated.

    >>> levels = np.tile(np.arange(9, dtype=np.float32), (9, 1)); levels[4] += 50
    >>> bool((opened(levels, 0.3)[:, 1:-1] == np.arange(1, 8)).all())
    True
    """
    radius = max(round(min(levels.shape) * share / 2), 1)
    for extreme in (np.minimum, np.minimum, np.maximum, np.maximum):
        padded = np.pad(levels, ((radius, radius), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=0)
        levels = extreme.reduce(windows, axis=-1).T
    return levels
