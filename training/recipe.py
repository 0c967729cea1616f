"""The recipe of a training: all its hyper-parameters, each with a default, a check and an explanation.

The defaults train a small network in two minutes; the recipe of the weights that ship is in the Makefile.
The options of the command line are made from the fields below.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from models.activations import ACTIVATIONS
from training.data.epochs import Variety
from training.initializers import BIASES, WEIGHTS
from training.losses import LOSSES, Loss, loss_named
from training.optimizers import OPTIMIZERS
from training.schedules import SCHEDULES, learning_rate_at
from training.shared_start import PLACES

# The purpose of a random generator is part of its seed, so that no two purposes get the same numbers.
INITIALISE, SHUFFLE, DRAW, DROPOUT = range(4)


@dataclass(frozen=True)
class Check:
    """The values that a field may have: a test, and the same in words."""

    holds: Callable[[Any], bool]
    words: str


def _one_of(names: Any) -> Check:  # noqa: ANN401 - any collection of names
    return Check(lambda value: value in names, f"one of {', '.join(names)}")


POSITIVE = Check(lambda value: value > 0, "above 0")
NOT_NEGATIVE = Check(lambda value: value >= 0, "0 or more")
SHARE = Check(lambda value: 0 <= value < 1, "from 0 to below 1")
SIZES = Check(lambda sizes: all(size > 0 for size in sizes), "layer sizes above 0")
ON_OR_OFF = Check(lambda value: isinstance(value, bool), "on or off")
SHARES = Check(lambda rates: all(0 <= rate < 1 for rate in rates), "rates from 0 to below 1")


def _choice(default: Any, text: str, check: Check) -> Any:  # noqa: ANN401 - each field has its own type
    return field(default=default, metadata={"help": text, "check": check})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The hyper-parameters of one training; raises ValueError with a sentence for a bad one."""

    hidden: tuple[int, ...] = _choice((512, 256), "Neurons of each hidden layer.", SIZES)
    activation: str = _choice("relu", "Activation of the hidden layers.", _one_of(ACTIVATIONS))
    output: str = _choice("softmax", "Activation of the output layer.", _one_of(ACTIVATIONS))
    loss: str = _choice("cross_entropy", "Loss per example.", _one_of(("difference", *LOSSES)))
    shared_epochs: int = _choice(
        0, "Epochs in which the first layer is trained as a convolution.", NOT_NEGATIVE
    )
    weights: str = _choice("he", "Initializer of the weights.", _one_of(WEIGHTS))
    biases: str = _choice("zero", "Initializer of the biases.", _one_of(BIASES))
    optimizer: str = _choice("nesterov", "Optimizer: the rule for a step.", _one_of(OPTIMIZERS))
    momentum: float = _choice(0.9, "Share of the velocity that a step keeps (Adam: β1).", SHARE)
    batch_size: int = _choice(128, "Images in a batch: 1 is stochastic, 0 the full batch.", NOT_NEGATIVE)
    epochs: int = _choice(30, "Passes over the training images.", POSITIVE)
    learning_rate: float = _choice(0.1, "Learning rate η at its highest.", POSITIVE)
    schedule: str = _choice("cosine", "Schedule of the learning rate.", _one_of(SCHEDULES))
    warmup_epochs: float = _choice(1.0, "Epochs over which η rises from 0.", NOT_NEGATIVE)
    weight_decay: float = _choice(0.0, "Decoupled weight decay, multiplied by η.", NOT_NEGATIVE)
    dropout: tuple[float, ...] = _choice(
        (), "Share of inputs, then of each hidden layer's neurons, to drop.", SHARES
    )
    average_decay: float = _choice(0.999, "Decay of the moving average of the weights, per step.", SHARE)
    patience: int = _choice(
        0, "Epochs without a lower validation cost before stopping early; 0: never.", NOT_NEGATIVE
    )
    deform: bool = _choice(default=True, text="Deform the images anew in each epoch.", check=ON_OR_OFF)
    ink: float = _choice(0.05, "Share of the deformed images that get each change of ink.", SHARE)
    outliers: float = _choice(0.1, "Pictures that are no digit, for each deformed image.", NOT_NEGATIVE)
    limit: int = _choice(0, "Number of training images to use; 0: all.", NOT_NEGATIVE)
    split_seed: int = _choice(1, "Seed of the choice of the validation images.", NOT_NEGATIVE)
    seed: int = _choice(1, "Seed of all other random numbers.", NOT_NEGATIVE)

    def __post_init__(self) -> None:
        """Check each field, then those that must fit each other."""
        for entry in fields(self):
            check, value = entry.metadata["check"], getattr(self, entry.name)
            if not check.holds(value):
                raise ValueError(f"{entry.name} must be {check.words}, not {value!r}")
        if len(self.dropout) > 1 + len(self.hidden):
            most = 1 + len(self.hidden)
            raise ValueError(f"dropout has {len(self.dropout)} rates, but only {most} layers can drop")
        if self.shared_epochs and (not self.hidden or self.hidden[0] % PLACES):
            raise ValueError(f"shared_epochs need a first hidden layer with a multiple of {PLACES} neurons")
        _ = self.output_loss

    def rng(self, purpose: int, *number: int) -> np.random.Generator:
        """Return the generator for a purpose, in the epoch or step of that number."""
        return np.random.default_rng([self.seed, purpose, *number])

    def learning_rate_at(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of a step, counted from the first of the training."""
        steps, warmup_steps = self.epochs * steps_per_epoch, round(self.warmup_epochs * steps_per_epoch)
        return learning_rate_at(step, steps, self.learning_rate, self.schedule, warmup_steps)

    @property
    def activations(self) -> list[str]:
        """The activation of each layer, that of the output last."""
        return [self.activation] * len(self.hidden) + [self.output]

    def variety(self, images: int) -> Variety:
        """Return the variety of an epoch over so many images; without deformation there is none."""
        return Variety(self.ink, round(images * self.outliers)) if self.deform else Variety(0, 0)

    @property
    def output_loss(self) -> Loss:
        """The loss; raises ValueError if it does not fit the output activation."""
        return loss_named(self.loss, self.output)

    def differences(self, other: "Recipe") -> list[str]:
        """Return a phrase for each field in which the two recipes differ, with both values."""
        return [
            f"{entry.name} is {getattr(self, entry.name)!r}, not {getattr(other, entry.name)!r}"
            for entry in fields(self)
            if getattr(self, entry.name) != getattr(other, entry.name)
        ]
