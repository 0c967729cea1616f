"""Deformation: random by seed, and within its stated amounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from training.data import augmentation
from training.data.augmentation import deform
from training.data.mnist import Examples, Images

AMOUNTS = ("ROTATION_DEGREES", "SCALE", "SHEAR", "SHIFT_PIXELS", "GRID_PIXELS")


@contextmanager
def only(name: str = "", chunk: int = augmentation.CHUNK) -> Iterator[None]:
    """Set every amount of deformation but the named one to zero, for the block's length."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augmentation, "CHUNK", chunk)
        for amount in AMOUNTS:
            if amount != name:
                patch.setattr(augmentation, amount, 0)
        yield


def centres(images: Images) -> np.ndarray:
    """Return row and column (N, 2) of each image's centre of ink."""
    ink = images.astype(float)
    places = np.arange(28)
    rows, columns = ink.sum(axis=2) @ places, ink.sum(axis=1) @ places
    return np.stack([rows, columns], axis=1) / ink.sum(axis=(1, 2))[:, None]


def disc(n: int) -> Images:
    """Return n copies of one image (n, 28, 28): a soft disc about the centre."""
    p = np.arange(28) - 13.5
    radius = np.hypot(p[:, None], p[None, :])
    return np.tile(np.rint(255 / (1 + np.exp(2 * (radius - 6)))).astype(np.uint8), (n, 1, 1))


def test_the_same_seed_gives_the_same_images(mnist_500: Examples) -> None:
    """All random numbers come from rng: equal seeds give equal images, other seeds others."""
    first, second, other = (deform(mnist_500.images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_each_image_is_deformed_in_its_own_way(mnist_500: Examples) -> None:
    """Copies of one image become as many different images."""
    copies = np.repeat(mnist_500.images[:1], 50, axis=0)
    assert len(np.unique(deform(copies, np.random.default_rng(1)), axis=0)) == 50


def test_shape_and_type_are_kept_and_the_originals_too(mnist_500: Examples) -> None:
    """The result has the same shape and dtype uint8, and the input is not changed."""
    before = mnist_500.images.copy()
    deformed = deform(mnist_500.images, np.random.default_rng(1))
    assert deformed.shape == before.shape
    assert deformed.dtype == np.uint8
    assert np.array_equal(mnist_500.images, before)


def test_black_stays_black() -> None:
    """A black image stays black: no ink comes in from outside the image."""
    assert not deform(np.zeros((20, 28, 28), np.uint8), np.random.default_rng(1)).any()


def test_a_smaller_strength_deforms_less(mnist_500: Examples) -> None:
    """A strength of 0 changes nothing, and 0.3 changes images less than 1."""
    none, light, full = (
        deform(mnist_500.images, np.random.default_rng(1), strength=strength).astype(int)
        for strength in (0.0, 0.3, 1.0)
    )
    assert np.array_equal(none, mnist_500.images)
    distance = [np.abs(deformed - mnist_500.images).mean() for deformed in (light, full)]
    assert 0 < distance[0] < 0.6 * distance[1]


def test_no_deformation_returns_the_input_exactly(mnist_500: Examples) -> None:
    """With every amount at zero nothing changes, even if the chunks do not divide the images."""
    with only(chunk=7):
        assert np.array_equal(deform(mnist_500.images, np.random.default_rng(1)), mnist_500.images)


def test_ink_is_not_lost_on_average(mnist_500: Examples) -> None:
    """Enlarged and reduced images balance: the mean grey value changes by less than 5 %."""
    deformed = deform(mnist_500.images, np.random.default_rng(1))
    assert deformed.mean() == pytest.approx(mnist_500.images.mean(), rel=0.05)


def test_reading_between_pixels_keeps_the_ink() -> None:
    """Interpolation after a shift loses no ink on average: rounding up and down balance."""
    with only("SHIFT_PIXELS"):
        shifted = deform(disc(200), np.random.default_rng(1))
    assert shifted.mean() == pytest.approx(disc(1).mean(), rel=0.001)


def test_shift_moves_the_ink_within_its_bounds() -> None:
    """Shift alone moves the centre of ink by up to 1.5 pixels in each direction, evenly."""
    with only("SHIFT_PIXELS"):
        images = disc(2000)
        moved = centres(deform(images, np.random.default_rng(1))) - centres(images)
    assert np.abs(moved).max() == pytest.approx(1.5, abs=0.05)
    assert moved.mean(axis=0) == pytest.approx([0, 0], abs=0.1)
    assert moved.std(axis=0) == pytest.approx([1.5 / np.sqrt(3)] * 2, rel=0.05)


def test_rotation_turns_about_the_centre() -> None:
    """Rotation alone leaves a disc about the centre as it is, but for rounding."""
    with only("ROTATION_DEGREES"):
        turned = deform(disc(100), np.random.default_rng(1)).astype(int)
    # Reading between pixels blurs the disc's edge a little, there where grey changes fastest.
    assert np.abs(turned - disc(100)).mean() < 1
    assert centres(turned.astype(np.uint8)) == pytest.approx(centres(disc(100)), abs=0.02)


def test_scale_changes_the_area_as_it_says() -> None:
    """Scale alone multiplies a disc's ink by factors whose logarithms lie within ±2 · 0.15 about 0."""
    with only("SCALE"):
        images = disc(2000)
        scaled = deform(images, np.random.default_rng(1))
    factors = np.log(scaled.sum(axis=(1, 2)) / images.sum(axis=(1, 2)))
    assert np.abs(factors).max() < 0.32
    assert factors.mean() == pytest.approx(0, abs=0.02)
    assert factors.std() == pytest.approx(0.15 * np.sqrt(2 / 3), rel=0.05)


def ramps(n: int) -> Images:
    """Return n copies of two images (2 n, 28, 28) whose levels are 9 times the row, or 9 times the column."""
    row, column = np.mgrid[:28, :28]
    return np.repeat(9 * np.stack([row, column]), n, axis=0).astype(np.uint8)


def displacements(images: Images) -> np.ndarray:
    """Return how many rows or columns away the inner pixels of deformed ramps were read (2 n, 14, 14).

    The outer 7 pixels are left out: from there some positions lie beyond the edge.
    """
    moved = (deform(images, np.random.default_rng(1)).astype(float) - images) / 9
    return moved[:, 7:-7, 7:-7]


def test_the_field_is_smooth() -> None:
    """The field alone moves neighbouring pixels by nearly the same distance, and never by a jump."""
    with only("GRID_PIXELS"):
        field = displacements(ramps(200))
    assert field.std() > 0.5
    # A level is a ninth of a pixel: rounding adds that much to a difference at most.
    assert np.abs(np.diff(field, axis=1)).max() < 1.5 + 1 / 9
    assert np.abs(np.diff(field, axis=2)).max() < 1.5 + 1 / 9


def test_the_field_is_everywhere_alike() -> None:
    """The field alone moves all pixels alike: not at all on average, and about equally far everywhere."""
    with only("GRID_PIXELS"):
        field = displacements(ramps(1000))
    assert np.abs(field.mean(axis=0)).max() < 0.2
    spread = field.std(axis=0)
    assert spread.max() < 1.5 * spread.min()


@pytest.mark.parametrize("pixels", [2, -2])
def test_a_field_of_equal_arrows_moves_all_pixels_alike(monkeypatch: pytest.MonkeyPatch, pixels: int) -> None:
    """With the same coefficient at each point of the grid, every pixel is read that many pixels away."""
    with only("GRID_PIXELS"):
        rng = SimpleNamespace(uniform=np.random.default_rng(1).uniform, standard_normal=np.ones)
        monkeypatch.setattr(augmentation, "GRID_PIXELS", float(pixels))
        images = ramps(1)
        moved = deform(images, cast("np.random.Generator", rng)).astype(int) - images
    # Two rows and columns at one edge would be read outside the image.
    inside = slice(0, -2) if pixels > 0 else slice(2, 28)
    assert (moved[:, inside, inside] == pixels * 9).all()
