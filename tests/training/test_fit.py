"""The training loop, and going on with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training import checkpoint
from training.data import Examples, Split
from training.fit import Epoch, Measure, Step, batches_per_epoch, fit, measure, start
from training.losses import LOSSES
from training.optimizers import OPTIMIZERS
from training.reader import Reader, all_parameters
from training.recipe import Recipe
from training.teaching import Teachers

SMALL = Recipe(
    hidden=(16,), epochs=3, batch_size=64, dropout=(0.1, 0.2), weight_decay=0.01, average_decay=0.9
)


class Enough(Exception):  # noqa: N818 - a wish to stop, not an error
    """Stop here."""


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


def assert_same(first: Reader, second: Reader) -> None:
    """Hold two readers to be equal, bit for bit."""
    for name, array in all_parameters(first).items():
        np.testing.assert_array_equal(array, all_parameters(second)[name], err_msg=name)


def test_training_learns(small_split: Split) -> None:
    """Trained on 300 digits, the network memorises them and reads most of those it never saw."""
    training = start(Recipe(hidden=(64,), epochs=30, batch_size=16, deform=False))
    fit(training, small_split)
    train, validation = training.history[-1]
    assert train.error == 0
    assert validation.error < 0.3
    assert training.history[0].train.cost > 10 * train.cost


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_training_is_the_same_bit_for_bit(small_split: Split, tmp_path: Path, optimizer: str) -> None:
    """Stopped in the middle of an epoch, saved, loaded and continued: the weights are those of no stop."""
    recipe = replace(SMALL, optimizer=optimizer, learning_rate=0.01, patience=2)
    whole = start(recipe)
    expected = fit(whole, small_split)
    stopped = start(recipe)
    with pytest.raises(Enough):
        fit(stopped, small_split, after_step=stop_after(7))
    checkpoint.save(tmp_path / "checkpoint.npz", stopped)
    resumed = checkpoint.load(tmp_path / "checkpoint.npz")
    assert (resumed.epoch, resumed.batch) == (1, 1)
    assert_same(fit(resumed, small_split), expected)
    assert resumed.history == whole.history


def test_a_resumed_pass_goes_on_with_the_same_images(small_split: Split, tmp_path: Path) -> None:
    """With three passes over each draw, a training stopped in the second pass continues bit for bit."""
    recipe = replace(SMALL, epochs=5, passes=3)
    expected = fit(start(recipe), small_split)
    stopped = start(recipe)
    with pytest.raises(Enough):
        fit(stopped, small_split, after_step=stop_after(8))
    checkpoint.save(tmp_path / "checkpoint.npz", stopped)
    resumed = checkpoint.load(tmp_path / "checkpoint.npz")
    assert resumed.epoch == 1
    assert_same(fit(resumed, small_split), expected)


def test_passes_see_the_same_images(small_split: Split) -> None:
    """Two passes over one draw: the images of the second epoch are the first's, those of the third others."""
    seen: list[list[float]] = [[], [], []]
    # A rate so small that nothing is learned: the cost tells the images.
    recipe = replace(SMALL, passes=2, learning_rate=1e-12, dropout=(), batch_size=0)
    training = start(recipe)
    fit(training, small_split, after_step=lambda step: seen[training.epoch].append(step.cost))
    first, again, other = (sum(costs) for costs in seen)
    assert first == pytest.approx(again, rel=1e-6)
    assert first != pytest.approx(other, rel=1e-4)


def test_filters_learn_too(small_split: Split) -> None:
    """A teacher with two convolutions memorises its digits, and its filters change."""
    recipe = Recipe(maps=(4, 8), hidden=(32,), epochs=15, batch_size=16, learning_rate=0.05, deform=False)
    training = start(recipe)
    before = training.reader.filters[0].K.copy()
    reader = fit(training, small_split)
    assert training.history[-1].train.error < 0.02
    assert (before != reader.filters[0].K).any()


def test_a_student_learns_what_its_teacher_says(small_split: Split) -> None:
    """Taught by one who takes each digit for the next, the student does so too, whatever the labels."""
    recipe = Recipe(hidden=(64,), epochs=20, batch_size=16, deform=False)
    images, labels = small_split.train
    mistaken = replace(small_split, train=Examples(images, (labels + 1) % 10))
    teacher = fit(start(recipe), mistaken)
    taught = start(recipe)
    fit(taught, small_split, teachers=Teachers((teacher,), 2.0))
    assert taught.history[-1].train.error > 0.98


def test_the_seed_decides(small_split: Split) -> None:
    """The same seed gives the same weights, another seed others."""
    first, again = (fit(start(SMALL), small_split) for _ in range(2))
    assert_same(first, again)
    other = fit(start(replace(SMALL, seed=2)), small_split)
    assert (other.network[0].W != first.network[0].W).any()


def test_batches_cover_every_image_once(small_split: Split) -> None:
    """Full batch, single examples and a size that does not divide: each image is seen once an epoch."""
    for batch_size, batches in [(0, 1), (1, 300), (64, 5)]:
        recipe = replace(SMALL, batch_size=batch_size, epochs=1, learning_rate=0.001, outliers=0)
        steps: list[Step] = []
        fit(start(recipe), small_split, after_step=steps.append)
        assert len(steps) == batches == batches_per_epoch(recipe, 300)
        assert sum(step.images for step in steps) == 300


def test_early_stopping_keeps_the_best(small_split: Split) -> None:
    """With patience, training ends that many epochs after the best, and the best one's weights are kept."""
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
    assert len(training.history) == training.best_epoch + 1 + 3 < 200
    kept = measure(network, small_split.validation, LOSSES["cross_entropy"])
    assert kept == training.history[training.best_epoch].validation
    assert kept.cost == min(epoch.validation.cost for epoch in training.history)


def test_without_patience_the_last_epoch_counts() -> None:
    """Patience 0 never stops early, whatever the history."""
    measures = [Measure(cost, 0.1) for cost in (1.0, 2.0, 3.0)]
    training = start(SMALL)
    training.history = [Epoch(m, m) for m in measures]
    training.epoch = 2
    assert not training.finished
    training.epoch = 3
    assert training.finished


def test_the_limit_uses_the_first_images(small_split: Split) -> None:
    """A limit of 50 trains on 50 images."""
    steps: list[Step] = []
    fit(start(replace(SMALL, limit=50, epochs=2, outliers=0)), small_split, after_step=steps.append)
    assert sum(step.images for step in steps) == 100
