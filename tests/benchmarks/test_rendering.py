"""The pictures that accuracy is measured on: the same for a seed, readable, and of the kind they say."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.accuracy.__main__ import Reading, contact_sheet, rendered
from benchmarks.accuracy.pens import draw, loops, middle_lines
from benchmarks.accuracy.rendering import KINDS, png
from service.images.codec import decode
from training.data.mnist import Examples


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "photo from afar"])
def test_each_kind_renders_the_same_for_a_seed(kind: str, mnist_500: Examples) -> None:
    """A seed gives a picture byte for byte, the next seed another, and the service decodes it."""
    digit = mnist_500.images[3]
    first, again, other = (png(KINDS[kind](digit, np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert first == again
    assert first != other or kind == "mnist"
    grey = decode(first, 2**24)
    assert min(grey.shape) >= 14
    assert np.ptp(grey) > 30


def test_pictures_come_with_their_digits(mnist_500: Examples) -> None:
    """As many pictures as asked for are made, each of a digit whose loops are open."""
    pictures = list(rendered("mnist", mnist_500, 30))
    assert len(pictures) == 30
    known = {png(Image.fromarray(i)): int(n) for i, n in zip(mnist_500.images, mnist_500.labels, strict=True)}
    for posted, label in pictures:
        assert known[posted] == label
        assert label not in {0, 6, 8, 9} or loops(decode(posted, 2**24)) >= 1


@pytest.mark.parametrize("width", [2, 10, 30])
def test_the_pen_is_as_wide_as_asked(width: int) -> None:
    """A straight stroke, written again, has the pen's width and the length asked for."""
    stroke = np.zeros((28, 28), np.uint8)
    stroke[4:24, 12:16] = 255
    ink = draw(middle_lines(stroke), (200, 200), 150, width) > 127
    assert abs(int(ink[100].sum()) - width) <= 1
    assert abs(np.ptp(np.flatnonzero(ink.any(axis=1))) + 1 - 150) <= 2


def test_middle_lines_keep_loops(mnist_500: Examples) -> None:
    """Every 0 with an open loop has one when it is written again with a fine pen."""
    zeros = mnist_500.images[mnist_500.labels == 0][:10]
    for zero in zeros:
        again = draw(middle_lines(zero), (100, 100), 90, 3)
        assert loops(again) >= min(loops(zero), 1)


def test_failures_come_first_on_the_sheet(mnist_500: Examples) -> None:
    """A contact sheet frames what was read wrong in red, and places it before the rest."""
    posted, seen = png(Image.fromarray(mnist_500.images[0])), mnist_500.images[0]
    sheet = contact_sheet([Reading(posted, seen, 7, 7), Reading(posted, None, 7, None)])
    assert sheet.getpixel((0, 0)) == (255, 0, 0)
    assert sheet.getpixel((112, 0)) == (0, 128, 0)
