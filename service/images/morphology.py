"""Grey morphology: each pixel becomes the maximum (dilation) or minimum (erosion) over its neighbourhood.

    opened             erosion, then dilation, over a square window: bright structures narrower than it vanish
    dilated, eroded    strokes widened or thinned by a radius, over an octagon, which is nearly a disk

Source: Serra, Image Analysis and Mathematical Morphology, 1982.
"""

import numpy as np
import numpy.typing as npt

from service.images.codec import Grey

Floats = npt.NDArray[np.float32]


def opened(levels: Floats, share: float) -> Floats:
    """Remove bright structures that are narrower than a window, whose side is a share of the shorter side.

    >>> levels = np.tile(np.arange(9, dtype=np.float32), (9, 1)); levels[4] += 50
    >>> bool((opened(levels, 0.3)[:, 1:-1] == np.arange(1, 8)).all())
    True
    """
    radius = max(round(min(levels.shape) * share / 2), 1)
    return _filtered(_filtered(levels, radius, np.minimum), radius, np.maximum)


def _filtered(levels: Floats, radius: int, extreme: np.ufunc) -> Floats:
    """Return the extreme over a square window: along one axis, then the other, the edge pixels repeated."""
    for _ in range(2):
        padded = np.pad(levels, ((radius, radius), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=0)
        levels = extreme.reduce(windows, axis=-1).T
    return levels


def dilated(ink: Grey, radius: int) -> Grey:
    """Grow ink by `radius` pixels in each direction, within the picture.

    Diamonds and squares of radius 1 in turn make an octagon.
    """
    grown = ink.copy()
    for step in range(radius):
        before = grown.copy()
        _spread(grown, before)
        _spread(grown.T, (grown.copy() if step % 2 else before).T)
    return grown


def _spread(grown: Grey, before: Grey) -> None:
    """Raise each pixel, in place, to the level that the pixel above or below it had before."""
    np.maximum(grown[1:], before[:-1], out=grown[1:])
    np.maximum(grown[:-1], before[1:], out=grown[:-1])


def eroded(ink: Grey, radius: int) -> Grey:
    """Shrink ink by `radius` pixels from each direction, by dilating what is not ink."""
    return ~dilated(~ink, radius)
