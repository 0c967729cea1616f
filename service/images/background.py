"""What the ink stands on: its level everywhere, and which side of it the ink is on.

    even       a drawing, a screen, MNIST: the middle half of the border's pixels are one level, and so
               are many of all pixels. That level is the background, and its noise is 0.
    uneven     a photo, a scan: on a coarse grid of mean levels, the background is what is left when all
               that is narrower than a window is taken away (an opening: the least over a window, then
               the greatest). A slope of light, a soft shadow and a sheet's dark surroundings survive
               that, a pen's stroke does not. The noise is measured on what is left after subtraction.
               Dark ink counts as a share of its paper's brightness: in a shadow, all is darker.

Ink is narrower than the ground between it: which side of the background it is on shows in windows that
strokes fit into and most of the ground does not.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.images.codec import Grey, reduced, resized

Field = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom

# Of all pixels, the share that must have the border's level for the background to be even.
LEAST_EVEN = 0.25
GRID = 64
# A window is this share of the shorter side: wider than a broad pen's stroke, narrower than a shadow.
WINDOW_SHARE = 0.3
WINDOW_SHARES = (0.04, 0.08, 0.16, 0.3)
# Noise is normal near its middle: 1.4826 × the median of its absolute values is its standard deviation.
NOISE_FACTOR = 4 * 1.4826
# In darker shadows than a quarter of full white there is more noise than ink.
MOST_GAIN = np.float32(4)


@dataclass(frozen=True)
class Background:
    """The background's level, as one number or on a coarse grid over the picture, in the ink's direction.

    inverted: the ink was the darker, so that levels count from white. cell: pixels of the picture to one of
    the grid. noise: differences up to it are none.
    """

    inverted: bool
    level: Field | int
    noise: int
    cell: int = 1

    def within(self, box: Box, size: tuple[int, int]) -> Field:
        """Return the grid's level within a box of the picture, at a size (width, height)."""
        level = np.asarray(self.level, np.float32)
        limits = level.shape[::-1] * 2
        edges = [min(edge / self.cell, limit) for edge, limit in zip(box, limits, strict=True)]
        return resized(level, size, (edges[0], edges[1], edges[2], edges[3]))


def measure(picture: Grey) -> Background:
    """Find the background of a picture (height, width)."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    border.sort()
    count = len(border)
    level = int(border[count // 2])
    if 2 * np.count_nonzero(border == level) >= count:
        same = np.count_nonzero(picture == level)
        if same >= LEAST_EVEN * picture.size:
            return _even(picture, level)
    return _uneven(picture)


def ink_above(background: Background, picture: Grey, box: Box | None = None) -> Grey:
    """Return how far each pixel stands out from the background, 0 to 255; box is where the grid is cut."""
    levels = ~picture if background.inverted else picture
    if isinstance(background.level, int):
        return levels - background.level if background.level == 0 else _above(levels, background.level)
    height, width = picture.shape
    level = background.within(box or (0, 0, width, height), (width, height))
    above = levels - level
    if background.inverted:
        above *= _gain(level)
    return np.clip(above, 0, 255).astype(np.uint8)


def _gain(level: Field) -> Field:
    """Return by how much ink must be strengthened for paper of any brightness to count as the brightest.

    Paper and ink send back their shares of the light that they get: in the shadow, they differ by less.
    """
    paper = np.maximum(255 - level, 1)
    return np.minimum(np.float32(255) / paper, MOST_GAIN)


def _above(levels: Grey, level: int) -> Grey:
    return np.maximum(levels, level) - np.uint8(level)


def _even(picture: Grey, level: int) -> Background:
    darker, brighter = level - int(picture.min()), int(picture.max()) - level
    inverted = darker > brighter
    if 4 * min(darker, brighter) > max(darker, brighter):
        inverted = int(picture.sum()) < level * picture.size
    return Background(inverted, 255 - level if inverted else level, 0)


def _uneven(picture: Grey) -> Background:
    cell = math.ceil(max(picture.shape) / GRID)
    grid = reduced(picture, cell).astype(np.float32)
    inverted = _is_darker(grid)
    levels = 255 - grid if inverted else grid
    slope = surface(levels)
    level = np.maximum(opened(levels, WINDOW_SHARE), slope + opened(levels - slope, WINDOW_SHARE))
    draft = Background(inverted, level, 0, cell)
    height, width = picture.shape
    ground = draft.within((0, 0, width, height), (width, height))
    step = max(picture.size // 16384, 1)
    above = ((~picture if inverted else picture) - ground).ravel()[::step]
    middle = np.median(above)
    gain = _gain(ground.ravel()[::step]) if inverted else np.float32(1)
    noise = math.ceil(NOISE_FACTOR * float(np.median(np.abs(above - middle) * gain)))
    return Background(inverted, level + middle, noise, cell)


def _is_darker(grid: Field) -> bool:
    """Say whether more is darker than all around it than is brighter, over windows of four sizes.

    Strokes count in every window wider than they are, the gaps between them only in wider ones, which
    therefore weigh less; a slope or a step of light counts in none.
    """
    darker = brighter = 0.0
    for share in WINDOW_SHARES:
        darker += float(((opened(-grid, share) + grid) ** 2).sum()) / share**2
        brighter += float(((opened(grid, share) - grid) ** 2).sum()) / share**2
    # In doubt, it is dark ink on light paper, as nearly always where light is uneven.
    return 4 * darker >= 3 * brighter


def surface(grid: Field) -> Field:
    """Return the surface of second degree nearest to a grid, by least squares.

    An opening can't follow a slope up to the edge, where windows end; it can follow what is left of it.
    A hard shadow's step, it follows better without: of both, the nearer one is the background.

    >>> grid = np.add.outer(np.arange(5.0), np.arange(7.0) ** 2).astype(np.float32)
    >>> bool(np.abs(surface(grid) - grid).max() < 1e-3)
    True
    """
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in grid.shape)
    y, x = y.repeat(len(x)), np.tile(x, len(y))
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    weights = np.linalg.lstsq(terms, grid.ravel(), rcond=None)[0]
    return np.asarray(terms @ weights, np.float32).reshape(grid.shape)


def opened(grid: Field, share: float) -> Field:
    """Take away what is bright and narrower than a window, whose side is a share of the shorter side.

    >>> grid = np.tile(np.arange(9, dtype=np.float32), (9, 1)); grid[4] += 50
    >>> bool((opened(grid, 0.3)[:, 1:-1] == np.arange(1, 8)).all())
    True
    """
    radius = max(round(min(grid.shape) * share / 2), 1)
    return _filtered(_filtered(grid, radius, np.minimum), radius, np.maximum)


def _filtered(grid: Field, radius: int, extreme: np.ufunc) -> Field:
    """Return the extreme over a square window, one axis after the other; beyond the edge the edge goes on."""
    for _ in range(2):
        padded = np.pad(grid, ((radius, radius), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=0)
        grid = extreme.reduce(windows, axis=-1).T
    return grid


def strong_level(ink: Grey, noise: int) -> float:
    """Return the mean level of the strong ink: the upper of the two classes that differ most (Otsu).

    A sample of pixels is enough. Its step shares no factor with the width, so that it meets every column.

    >>> strong_level(np.repeat(np.array([0, 40, 200], np.uint8), 1000)[None], 5)
    200.0
    """
    step = max(ink.size // 4096, 1)
    while math.gcd(step, ink.shape[1]) > 1:
        step += 1
    sample = ink.ravel()[::step]
    counts = np.bincount(sample[sample > noise], minlength=256)
    total = np.cumsum(counts)
    if not total[-1]:
        return float(ink.max())
    levels = np.cumsum(counts * np.arange(256))
    below, above = total[:-1], np.maximum(total[-1] - total[:-1], 1)
    apart = (levels[-1] * (below / total[-1]) - levels[:-1]) ** 2 / (np.maximum(below, 1) * above)
    split = int(apart.argmax())
    return float((levels[-1] - levels[split]) / above[split])
