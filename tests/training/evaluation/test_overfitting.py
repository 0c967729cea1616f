"""The overfitting demonstration on 300 images to memorise, and 100 for validation."""

import io
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from training.data.mnist import Split
from training.evaluation.overfitting import RECIPES, gap, overfit_demo, table
from training.history import Epoch

# One process trains for all these tests.
pytestmark = pytest.mark.xdist_group("overfitting")
EPOCHS = 30
Demonstration = tuple[dict[str, list[Epoch]], Path, list[str]]


@pytest.fixture(scope="module")
def demonstration(small_split: Split, tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """Return the histories, the folder and the printed lines of one run for all tests."""
    folder = tmp_path_factory.mktemp("overfit") / "a" / "new" / "folder"
    said: list[str] = []
    return overfit_demo(small_split, folder, EPOCHS, said.append), folder, said


def test_the_recipes_differ_in_dropout_alone() -> None:
    """The two recipes differ in dropout alone, and deform no image."""
    without, with_dropout = (asdict(recipe) for recipe in RECIPES.values())
    assert {name for name in without if without[name] != with_dropout[name]} == {"dropout"}
    assert not any(without["dropout"])
    assert not without["deform"]
    assert without["limit"] == 1000


def test_without_dropout_the_images_are_known_by_heart(demonstration: Demonstration) -> None:
    """Without dropout, the training error is 0 and the validation error is above 5 %."""
    end = demonstration[0]["without dropout"][-1]
    assert end.train.error == 0
    assert end.validation.error > 0.05


def test_validation_cost_rises_again_without_dropout(demonstration: Demonstration) -> None:
    """Without dropout, the training cost still falls long after the validation cost has begun to rise."""
    history = demonstration[0]["without dropout"]
    best = min(history, key=lambda epoch: epoch.validation.cost)
    assert history[-1].validation.cost > best.validation.cost
    assert history[-1].train.cost < best.train.cost / 2


def test_dropout_narrows_the_gap(demonstration: Demonstration) -> None:
    """With dropout the gap in cost is at least a quarter smaller, and the gap in error no larger.

    The cost and the error on validation are not higher either.
    """
    without, with_dropout = (demonstration[0][name][-1] for name in RECIPES)
    assert gap(with_dropout).cost < 0.75 * gap(without).cost
    assert gap(with_dropout).error <= gap(without).error
    assert with_dropout.validation.cost < without.validation.cost
    assert with_dropout.validation.error <= without.validation.error


def test_histories_plot_and_table_are_handed_over(demonstration: Demonstration) -> None:
    """Each training returns all its epochs, the plot is a valid PNG, and table and path are printed."""
    histories, folder, said = demonstration
    assert {name: len(history) for name, history in histories.items()} == dict.fromkeys(RECIPES, EPOCHS)
    with Image.open(io.BytesIO((folder / "overfit.png").read_bytes()), formats=["PNG"]) as plot:
        plot.load()
        assert plot.width > plot.height > 400
    assert table(histories) in said
    assert any(str(folder / "overfit.png") in line for line in said)


def test_table_shows_the_last_epoch(demonstration: Demonstration) -> None:
    """Each row of the table ends in the gap of the last epoch of its training."""
    histories, _, _ = demonstration
    for line, (name, history) in zip(table(histories).splitlines()[2:], histories.items(), strict=True):
        cost, error = gap(history[-1])
        assert line.startswith(name)
        assert line.split()[-3:] == [f"{cost:.3f}", f"{100 * error:.2f}", "%"]
