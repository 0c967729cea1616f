"""Image files to the network's 28 × 28 pixels, for every route that takes image files."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from service.images.codec import Grey, InvalidImage, decode
from service.images.normalise import Receipt, normalise
from service.observability.metrics import Stages

Before = TypeVar("Before")
After = TypeVar("After")


def read_images(
    pngs: Iterable[bytes], max_pixels: int, stages: Stages
) -> tuple[list[Grey | InvalidImage], list[tuple[Grey, Receipt] | InvalidImage]]:
    """Decode, then normalise each file; where one can't be read, the error takes its place.

    Returns the decoded pictures, and the normalised images with what was done to each.
    """
    greys = _each(partial(decode, max_pixels=max_pixels), pngs)
    stages.end("decode")
    images = _each(normalise, greys)
    stages.end("normalise")
    return greys, images


def _each(
    function: Callable[[Before], After], values: Iterable[Before | InvalidImage]
) -> list[After | InvalidImage]:
    """Apply a function to each value that is not an error yet."""
    results: list[After | InvalidImage] = []
    for value in values:
        try:
            results.append(value if isinstance(value, InvalidImage) else function(value))
        except InvalidImage as error:
            results.append(error)
    return results
