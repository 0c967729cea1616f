"""The training loop: forward, loss, gradient, backward, step.

For each epoch the training images are shuffled and deformed; for each batch of them

    activity  = forward(network, x, masks)
    gradients = backward(network, activity, y, loss, masks)       of the batch's mean loss
    optimizer.step(parameters, gradients, learning rate η)

Every random draw comes from a generator seeded by (seed, purpose, epoch or step). So nothing random
needs to be remembered, and a training continued from a checkpoint is the one that never stopped,
bit for bit.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple

import numpy as np

from models.activations import Array
from models.network import (
    CLASSES,
    PIXELS,
    Network,
    Parameters,
    forward,
    from_parameters,
    layer_sizes,
    parameters,
)
from models.preprocessing import preprocess
from training.backprop import backward
from training.data import NO_DIGIT, Examples, Images, Labels, Split, targets
from training.dropout import masks
from training.epochs import Source, labels_with
from training.feeder import feeding
from training.flat import flatten, over, parts
from training.initializers import initialise
from training.losses import Loss, cost
from training.optimizers import OPTIMIZERS, Optimizer, WeightAverage, decay_weights
from training.recipe import Recipe
from training.schedules import learning_rate_at

# What a generator is for; part of its seed, so that no two purposes share draws.
INITIALISE, SHUFFLE, DRAW, DROPOUT = range(4)
MEASURE_CHUNK = 2000
# The one vector that optimizer and average see in place of many arrays.
ALL = "all"


class Measure(NamedTuple):
    """The cost and the share of wrong answers over some examples."""

    cost: float
    error: float


class Epoch(NamedTuple):
    """What an epoch ended with, on images as they are: no deformation, no dropout."""

    train: Measure
    validation: Measure


class Step(NamedTuple):
    """What one batch gave, for the progress bar."""

    images: int
    cost: float
    error: float


@dataclass
class Training:
    """A training under way: all that a checkpoint must keep."""

    recipe: Recipe
    network: Network
    optimizer: Optimizer
    average: WeightAverage
    epoch: int = 0
    batch: int = 0
    history: list[Epoch] = field(default_factory=list)
    best: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Move the parameters into one vector, and have another for their gradients."""
        self.vector, self.network = flatten(self.network)
        self.gradient = np.empty_like(self.vector)
        self.gradients = parts(self.gradient, self.network)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or validation has not improved for `patience` of them."""
        epochs_since_best = len(self.history) - 1 - self.best_epoch if self.history else 0
        stop = bool(self.recipe.patience) and epochs_since_best >= self.recipe.patience
        return stop or self.epoch >= self.recipe.epochs

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 0, with the lowest validation cost."""
        costs = [epoch.validation.cost for epoch in self.history]
        return int(np.argmin(costs))

    @property
    def averaged(self) -> Network:
        """The network with its weights' moving averages: what is measured and shipped."""
        return over(self.average.averaged({ALL: self.vector})[ALL], self.network)

    @property
    def result(self) -> Network:
        """The averaged network: with early stopping that of the best epoch, else of the last."""
        if self.recipe.patience and self.best:
            return from_parameters(self.best, self.recipe.activations)
        return self.averaged


def start(recipe: Recipe) -> Training:
    """Begin a training: parameters drawn, nothing learned."""
    network = initialise(
        [PIXELS, *recipe.hidden, CLASSES],
        recipe.activations,
        np.random.default_rng([recipe.seed, INITIALISE]),
        weights=recipe.weights,
        biases=recipe.biases,
    )
    optimizer = OPTIMIZERS[recipe.optimizer](recipe.momentum)
    return Training(recipe, network, optimizer, WeightAverage(recipe.average_decay))


def fit(
    training: Training,
    split: Split,
    after_step: Callable[[Step], object] = id,
    after_epoch: Callable[[Epoch], object] = id,
) -> Network:
    """Train to the end and return the network to keep; `training` changes in place.

    After a step or an epoch the training is whole: what the callbacks raise leaves it fit to be
    saved and continued.
    """
    examples = split.train
    if training.recipe.limit:
        examples = Examples(*(array[: training.recipe.limit] for array in examples))
    recipe = training.recipe
    source = Source(examples.images, recipe.variety(len(examples.labels)), [recipe.seed, DRAW])
    labels = labels_with(examples.labels, source.variety)
    feed = feeding(source, training.epoch) if recipe.deform else nullcontext(repeat(source.images))
    with feed as epochs:
        while not training.finished:
            for step in _epoch_steps(training, Examples(next(epochs), labels)):
                after_step(step)
            _end_epoch(training, examples, split.validation)
            after_epoch(training.history[-1])
    return training.result


def batches_per_epoch(recipe: Recipe, examples: int) -> int:
    """Return how many batches cover the examples; the last may be smaller."""
    return -(-examples // (recipe.batch_size or examples))


def _epoch_steps(training: Training, examples: Examples) -> Iterator[Step]:
    """Take the epoch's remaining steps, one at each turn."""
    recipe, n = training.recipe, len(examples.labels)
    order = np.random.default_rng([recipe.seed, SHUFFLE, training.epoch]).permutation(n)
    batches = batches_per_epoch(recipe, n)
    size = recipe.batch_size or n
    while training.batch < batches:
        chosen = order[training.batch * size : (training.batch + 1) * size]
        yield _take_step(training, examples.images[chosen], examples.labels[chosen], batches)


def _take_step(training: Training, images: Images, labels: Labels, batches: int) -> Step:
    """Forward, loss, gradient, backward, step: for one batch."""
    recipe, network = training.recipe, training.network
    number = training.epoch * batches + training.batch
    x, y, loss = preprocess(images), targets(labels), recipe.output_loss
    dropped: list[Array | None] = []
    if any(recipe.dropout):
        rng = np.random.default_rng([recipe.seed, DROPOUT, number])
        dropped = masks(recipe.dropout, layer_sizes(network), len(x), rng)
    activity = forward(network, x, dropped)
    backward(network, activity, y, loss, dropped, out=training.gradients)
    learning_rate = learning_rate_at(
        number,
        recipe.epochs * batches,
        recipe.learning_rate,
        recipe.schedule,
        round(recipe.warmup_epochs * batches),
    )
    decay_weights(parameters(network), learning_rate, recipe.weight_decay)
    training.optimizer.step({ALL: training.vector}, {ALL: training.gradient}, learning_rate)
    training.average.update({ALL: training.vector})
    training.batch += 1
    y_hat = activity.a[-1]
    losses = loss.function(activity.z[-1] if loss.takes_logits else y_hat, y)
    wrong = (y_hat.argmax(axis=1) != labels)[labels != NO_DIGIT]
    return Step(len(x), cost(losses), float(wrong.mean()) if len(wrong) else 0.0)


def _end_epoch(training: Training, train: Examples, validation: Examples) -> None:
    network = training.averaged
    loss = training.recipe.output_loss
    # As many training images as there are to validate: enough to compare, and quick.
    some = Examples(*(array[: len(validation.labels)] for array in train))
    training.history.append(Epoch(measure(network, some, loss), measure(network, validation, loss)))
    if training.recipe.patience and training.best_epoch == training.epoch:
        training.best = {name: p.copy() for name, p in parameters(network).items()}
    training.epoch += 1
    training.batch = 0


def measure(network: Network, examples: Examples, loss: Loss) -> Measure:
    """Return the cost and error of the network on examples, without changing anything."""
    losses, wrong = [], 0
    for first in range(0, len(examples.labels), MEASURE_CHUNK):
        labels = examples.labels[first : first + MEASURE_CHUNK]
        activity = forward(network, preprocess(examples.images[first : first + MEASURE_CHUNK]))
        output = activity.z[-1] if loss.takes_logits else activity.a[-1]
        losses.append(loss.function(output, targets(labels)))
        wrong += int((activity.a[-1].argmax(axis=1) != labels).sum())
    return Measure(cost(np.concatenate(losses)), wrong / len(examples.labels))
