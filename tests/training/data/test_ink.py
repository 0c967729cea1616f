"""Changes of ink do what their names say."""

from collections.abc import Callable

import numpy as np
import pytest

from models.activations import Array
from training.data.ink import blur, harden, thicken, thin, vary_ink
from training.data.mnist import Examples


def strength(s: float) -> Array:
    """Return a strength as the effects take it."""
    return np.array(s, np.float32)


@pytest.fixture
def strokes(mnist_500: Examples) -> Array:
    """100 digits as levels."""
    return mnist_500.images[:100].astype(np.float32)


@pytest.mark.parametrize("effect", [thicken, thin, blur, harden])
def test_no_strength_no_change(strokes: Array, effect: Callable[[Array, Array], Array]) -> None:
    """At a strength of 0, levels stay what they are."""
    np.testing.assert_allclose(effect(strokes, strength(0)), strokes, atol=1e-3)


def test_thicken_adds_ink_and_thin_takes_it(strokes: Array) -> None:
    """Each image has more ink after thickening, and less after thinning, with the same maximum."""
    full = strength(1)
    assert (thicken(strokes, full).sum(axis=(1, 2)) > 1.2 * strokes.sum(axis=(1, 2))).all()
    thinner = thin(strokes, strength(0.7))
    assert (thinner.sum(axis=(1, 2)) < strokes.sum(axis=(1, 2))).all()
    np.testing.assert_allclose(thinner.max(axis=(1, 2)), strokes.max(axis=(1, 2)), rtol=1e-4)


def test_blur_keeps_the_ink(strokes: Array) -> None:
    """A blurred digit has the same ink, spread over more pixels."""
    blurred = blur(strokes, strength(1))
    np.testing.assert_allclose(blurred.sum(), strokes.sum(), rtol=1e-4)
    assert (blurred > 1).sum() > 1.3 * (strokes > 1).sum()


def test_harden_leaves_no_grey(strokes: Array) -> None:
    """A hardened digit is mostly black and white."""
    hard = np.clip(harden(strokes, strength(1)), 0, 255)
    assert ((hard > 0) & (hard < 255)).mean() < 0.3 * ((strokes > 0) & (strokes < 255)).mean()


def test_the_share_is_the_share(mnist_500: Examples) -> None:
    """A share of 0 changes nothing; 0.1 for each of four effects changes about a third of the images."""
    images = mnist_500.images.copy()
    vary_ink(images, 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(images, mnist_500.images)
    vary_ink(images, 0.1, np.random.default_rng(0))
    changed = (images != mnist_500.images).any(axis=(1, 2)).mean()
    assert changed == pytest.approx(1 - 0.9**4, abs=0.05)
