"""The training loop, and resuming it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.network import Network, parameters
from training import checkpoint
from training.data.mnist import Split
from training.fit import Step, fit, shuffled_batches
from training.history import measure
from training.losses import LOSSES
from training.optimizers import OPTIMIZERS
from training.recipe import Recipe
from training.state import start

SMALL = Recipe(
    hidden=(16,), epochs=3, batch_size=64, dropout=(0.1, 0.2), weight_decay=0.01, average_decay=0.9
)


class Enough(Exception):  # noqa: N818 - a request, not an error
    """Raised to stop a training."""


def stop_after(steps: int) -> "Counter":
    """Make a callback that raises Enough at the steps-th call."""
    return Counter(steps)


class Counter:
    """Counts down the steps to take."""

    def __init__(self, steps: int) -> None:
        """Remember how many are left."""
        self.left = steps

    def __call__(self, _: Step) -> None:
        """Count one."""
        self.left -= 1
        if not self.left:
            raise Enough


def assert_same(first: Network, second: Network) -> None:
    """Assert that two networks are equal, bit for bit."""
    for name, array in parameters(first).items():
        np.testing.assert_array_equal(array, parameters(second)[name], err_msg=name)


def test_training_learns(small_split: Split) -> None:
    """Trained on 300 digits, the network reads all of them and most of 100 others."""
    training = start(Recipe(hidden=(64,), epochs=30, batch_size=16, deform=False))
    fit(training, small_split)
    train, validation = training.history[-1]
    assert train.error == 0
    assert validation.error < 0.3
    assert training.history[0].train.cost > 10 * train.cost


@pytest.mark.parametrize(
    ("optimizer", "deform"), [("nesterov", True), *((name, False) for name in OPTIMIZERS)]
)
def test_resumed_training_is_the_same_bit_for_bit(
    small_split: Split,
    tmp_path: Path,
    optimizer: str,
    deform: bool,  # noqa: FBT001 - a table
) -> None:
    """Stopped in the middle of an epoch, saved and resumed, a training gives the same weights, bit for bit.

    This holds for the state of each optimizer, and for images that are deformed anew in each epoch.
    """
    recipe = replace(SMALL, optimizer=optimizer, learning_rate=0.01, patience=2, deform=deform)
    whole = start(recipe)
    expected = fit(whole, small_split)
    stopped = start(recipe)
    with pytest.raises(Enough):
        fit(stopped, small_split, after_step=stop_after(7))
    checkpoint.save(tmp_path / "checkpoint.npz", stopped)
    resumed = checkpoint.load(tmp_path / "checkpoint.npz")
    batches = len(shuffled_batches(recipe, 0, 330 if deform else 300))
    assert (resumed.epoch, resumed.batch) == divmod(7, batches) > (1, 0)
    assert_same(fit(resumed, small_split), expected)
    assert resumed.history == whole.history


def test_the_seed_decides(small_split: Split) -> None:
    """The same seed gives the same weights, another seed others."""
    first, again = (fit(start(SMALL), small_split) for _ in range(2))
    assert_same(first, again)
    other = fit(start(replace(SMALL, seed=2)), small_split)
    assert (other[0].W != first[0].W).any()


def test_batches_cover_every_image_once(small_split: Split) -> None:
    """Full batch, single examples and a size that does not divide: each image is seen once an epoch."""
    for batch_size, batches in [(0, 1), (1, 300), (64, 5)]:
        recipe = replace(SMALL, batch_size=batch_size, epochs=1, learning_rate=0.001, deform=False)
        steps: list[Step] = []
        fit(start(recipe), small_split, after_step=steps.append)
        assert len(steps) == batches == len(shuffled_batches(recipe, 0, 300))
        assert sum(step.images for step in steps) == 300


def test_early_stopping_keeps_the_best(small_split: Split) -> None:
    """Training ends `patience` epochs after the best one, whose weights are kept."""
    recipe = Recipe(
        hidden=(64,),
        epochs=200,
        batch_size=16,
        deform=False,
        patience=3,
        schedule="constant",
        average_decay=0,
    )
    training = start(recipe)
    network = fit(training, small_split)
    best = min(training.history, key=lambda epoch: epoch.validation.cost)
    assert len(training.history) == training.history.index(best) + 1 + 3 < 200
    assert measure(network, small_split.validation, LOSSES["cross_entropy"]) == best.validation


def test_the_limit_uses_the_first_images(small_split: Split) -> None:
    """A limit of 50 trains on 50 images."""
    steps: list[Step] = []
    fit(start(replace(SMALL, limit=50, epochs=2, deform=False)), small_split, after_step=steps.append)
    assert sum(step.images for step in steps) == 100
