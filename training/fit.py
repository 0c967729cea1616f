"""The training loop: forward, loss, gradient, backward, step.

For each epoch the training images are shuffled and deformed; for each batch of them

    reading   = read(reader, x, masks)                            forward
    gradients = read_backward(reader, reading, y, loss, masks)    of the batch's mean loss
    optimizer.step(parameters, gradients, learning rate η)

Every random draw comes from a generator seeded by (seed, purpose, epoch or step). So nothing random
needs to be remembered, and a training continued from a checkpoint is the one that never stopped,
bit for bit.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from typing import NamedTuple

import numpy as np

from models.activations import Array
from models.network import CLASSES, Parameters, layer_sizes
from models.preprocessing import preprocess
from training.convolution import draw_filters, features
from training.data import NO_DIGIT, Examples, Labels, Split, targets
from training.dropout import masks
from training.epochs import Drawn, Source, labels_with, undeformed
from training.feeder import feeding
from training.flat import flatten, parts
from training.initializers import initialise
from training.losses import Loss, cost
from training.optimizers import OPTIMIZERS, Optimizer, WeightAverage, decay_weights
from training.reader import Reader, all_parameters, read, read_backward, reader_from
from training.recipe import Recipe
from training.schedules import learning_rate_at
from training.sharing import share, shared_start
from training.teaching import NO_TEACHERS, Teachers

# What a generator is for; part of its seed, so that no two purposes share draws.
INITIALISE, SHUFFLE, DRAW, DROPOUT = range(4)
MEASURE_CHUNK = 100
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
    reader: Reader
    optimizer: Optimizer
    average: WeightAverage
    epoch: int = 0
    batch: int = 0
    history: list[Epoch] = field(default_factory=list)
    best: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Move the parameters into one vector, and have another for their gradients."""
        named = all_parameters(self.reader)
        self.vector, self.parameters = flatten(named)
        self.reader = reader_from(self.parameters, self.recipe.activations)
        self.gradient = np.empty_like(self.vector)
        self.gradients = parts(self.gradient, named)

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
    def averaged(self) -> Reader:
        """The reader with its weights' moving averages: what is measured and shipped."""
        vector = self.average.averaged({ALL: self.vector})[ALL]
        return reader_from(parts(vector, self.parameters), self.recipe.activations)

    @property
    def result(self) -> Reader:
        """The averaged reader: with early stopping that of the best epoch, else of the last."""
        if self.recipe.patience and self.best:
            return reader_from(self.best, self.recipe.activations)
        return self.averaged


def start(recipe: Recipe) -> Training:
    """Begin a training: parameters drawn, nothing learned."""
    rng = np.random.default_rng([recipe.seed, INITIALISE])
    filters = draw_filters(recipe.maps, rng)
    network = initialise(
        [features(recipe.maps), *recipe.hidden, CLASSES],
        recipe.activations,
        rng,
        weights=recipe.weights,
        biases=recipe.biases,
    )
    if recipe.shared_epochs:
        network = shared_start(network, rng)
    optimizer = OPTIMIZERS[recipe.optimizer](recipe.momentum)
    return Training(recipe, Reader(filters, network), optimizer, WeightAverage(recipe.average_decay))


def fit(
    training: Training,
    split: Split,
    after_step: Callable[[Step], object] = id,
    after_epoch: Callable[[Epoch], object] = id,
    teachers: Teachers = NO_TEACHERS,
) -> Reader:
    """Train to the end and return what to keep; `training` changes in place.

    With teachers, what they say of each image is learned, not its label. After a step or an epoch the
    training is whole: what the callbacks raise leaves it fit to be saved and continued.
    """
    examples = split.train
    if training.recipe.limit:
        examples = Examples(*(array[: training.recipe.limit] for array in examples))
    recipe = training.recipe
    variety = recipe.variety(len(examples.labels))
    labels = labels_with(examples.labels, variety)
    source = Source(*examples, variety, [recipe.seed, DRAW], teachers)
    first, passed = divmod(training.epoch, recipe.passes)
    feed = feeding(source, first) if recipe.deform else nullcontext(repeat(undeformed(source)))
    with feed as draws:
        epochs = islice(chain.from_iterable(repeat(drawn, recipe.passes) for drawn in draws), passed, None)
        while not training.finished:
            for step in _epoch_steps(training, next(epochs), labels):
                after_step(step)
            _end_epoch(training, examples, split.validation)
            after_epoch(training.history[-1])
    return training.result


def batches_per_epoch(recipe: Recipe, examples: int) -> int:
    """Return how many batches cover the examples; the last may be smaller."""
    return -(-examples // (recipe.batch_size or examples))


def _epoch_steps(training: Training, drawn: Drawn, labels: Labels) -> Iterator[Step]:
    """Take the epoch's remaining steps, one at each turn."""
    recipe, n = training.recipe, len(labels)
    order = np.random.default_rng([recipe.seed, SHUFFLE, training.epoch]).permutation(n)
    batches = batches_per_epoch(recipe, n)
    size = recipe.batch_size or n
    while training.batch < batches:
        chosen = order[training.batch * size : (training.batch + 1) * size]
        batch = Drawn(drawn.images[chosen], drawn.y[chosen])
        yield _take_step(training, batch, labels[chosen], batches)


def _take_step(training: Training, batch: Drawn, labels: Labels, batches: int) -> Step:
    """Forward, loss, gradient, backward, step: for one batch."""
    recipe, reader = training.recipe, training.reader
    number = training.epoch * batches + training.batch
    x, y, loss = preprocess(batch.images), batch.y, recipe.output_loss
    dropped: list[Array | None] = []
    if any(recipe.dropout):
        rng = np.random.default_rng([recipe.seed, DROPOUT, number])
        dropped = masks(recipe.dropout, layer_sizes(reader.network), len(x), rng)
    reading = read(reader, x, dropped)
    read_backward(reader, reading, y, loss, dropped, out=training.gradients)
    if training.epoch < recipe.shared_epochs:
        share(training.gradients)
    learning_rate = learning_rate_at(
        number,
        recipe.epochs * batches,
        recipe.learning_rate,
        recipe.schedule,
        round(recipe.warmup_epochs * batches),
    )
    decay_weights(training.parameters, learning_rate, recipe.weight_decay)
    training.optimizer.step({ALL: training.vector}, {ALL: training.gradient}, learning_rate)
    training.average.update({ALL: training.vector})
    training.batch += 1
    activity = reading.activity
    y_hat = activity.a[-1]
    losses = loss.function(activity.z[-1] if loss.takes_logits else y_hat, y)
    wrong = (y_hat.argmax(axis=1) != labels)[labels != NO_DIGIT]
    return Step(len(x), cost(losses), float(wrong.mean()) if len(wrong) else 0.0)


def _end_epoch(training: Training, train: Examples, validation: Examples) -> None:
    reader = training.averaged
    loss = training.recipe.output_loss
    # As many training images as there are to validate: enough to compare, and quick.
    some = Examples(*(array[: len(validation.labels)] for array in train))
    training.history.append(Epoch(measure(reader, some, loss), measure(reader, validation, loss)))
    if training.recipe.patience and training.best_epoch == training.epoch:
        training.best = {name: p.copy() for name, p in all_parameters(reader).items()}
    training.epoch += 1
    training.batch = 0


def measure(reader: Reader, examples: Examples, loss: Loss) -> Measure:
    """Return the cost and error of the reader on examples, without changing anything."""
    losses, wrong = [], 0
    for first in range(0, len(examples.labels), MEASURE_CHUNK):
        labels = examples.labels[first : first + MEASURE_CHUNK]
        activity = read(reader, preprocess(examples.images[first : first + MEASURE_CHUNK])).activity
        output = activity.z[-1] if loss.takes_logits else activity.a[-1]
        losses.append(loss.function(output, targets(labels)))
        wrong += int((activity.a[-1].argmax(axis=1) != labels).sum())
    return Measure(cost(np.concatenate(losses)), wrong / len(examples.labels))
