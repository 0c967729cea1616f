"""Overfitting, demonstrated: a network memorises its training images; dropout makes the gap smaller.

    gap = validation - training          of the cost, and of the error

There are two trainings on the first 1,000 images; in the end both read all of these rightly. They differ in
dropout alone: all other choices and random numbers are the same. Both are measured without deformation and
with all neurons. The learning rate is constant and no weights are averaged, so that the curves show the
training itself. Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting", 2014.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from training.data.mnist import Split
from training.evaluation import figures
from training.fit import fit
from training.history import Epoch, Measure
from training.recipe import Recipe
from training.state import start

EPOCHS = 100
WITHOUT = Recipe(
    deform=False,
    limit=1000,
    learning_rate=0.05,
    schedule="constant",
    warmup_epochs=0,
    average_decay=0,
)
RECIPES = {"without dropout": WITHOUT, "with dropout": replace(WITHOUT, dropout=(0.5, 0.5, 0.5))}


def overfit_demo(
    split: Split, folder: Path, epochs: int = EPOCHS, say: Callable[[str], object] = print
) -> dict[str, list[Epoch]]:
    """Train without and with dropout, plot both into folder/overfit.png, and print a table of the gaps.

    Returns the history of each training by name. Takes about half a minute on two cores.
    """
    histories: dict[str, list[Epoch]] = {}
    for name, recipe in RECIPES.items():
        say(f"{name}: {epochs} epochs on {min(recipe.limit, len(split.train.labels)):,} images")
        training = start(replace(recipe, epochs=epochs))
        fit(training, split)
        histories[name] = training.history
    folder.mkdir(parents=True, exist_ok=True)
    plot = folder / "overfit.png"
    plot.write_bytes(figures.png(figures.learning_curves(histories)))
    say(table(histories))
    say(f"The curves are in {plot}")
    return histories


def gap(epoch: Epoch) -> Measure:
    """Return validation minus training, in cost and in error.

    >>> gap(Epoch(Measure(0.25, 0.0), Measure(0.75, 0.125)))
    Measure(cost=0.5, error=0.125)
    """
    return Measure(epoch.validation.cost - epoch.train.cost, epoch.validation.error - epoch.train.error)


def table(histories: Mapping[str, Sequence[Epoch]]) -> str:
    """Return a table of training, validation and gap at the last epoch, with a row for each history.

    >>> print(table({"by heart": [Epoch(Measure(0.25, 0.0), Measure(0.75, 0.125))]}))
    after the last epoch   training        validation      gap
                           cost   error    cost   error    cost   error
    by heart               0.250   0.00 %  0.750  12.50 %  0.500  12.50 %
    """
    return "\n".join(
        (
            f"{'after the last epoch':<23}{'training':<16}{'validation':<16}gap",
            f"{'':<23}" + "  ".join(["cost   error  "] * 3).rstrip(),
            *(f"{name:<23}{_row(history[-1])}" for name, history in histories.items()),
        )
    )


def _row(epoch: Epoch) -> str:
    columns = (epoch.train, epoch.validation, gap(epoch))
    return "  ".join(f"{cost:.3f}  {100 * error:5.2f} %" for cost, error in columns)
