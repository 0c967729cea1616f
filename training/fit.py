"""The training loop: forward, loss, gradient, backward, step.

In each epoch the training images are deformed anew and shuffled into batches. For each batch x with the
targets y, both with one row for each of the N images of the batch:

    activity  = forward(network, x, masks)               z and a of every layer
    losses    = loss of each image, (N,)                 how wrong each output is
    upstream  = d cost / d output, (N, 10)               the cost is the mean of the losses
    gradients = backward(network, activity, upstream)    d cost / d parameter, one for each parameter
    optimizer.step(parameters, gradients, learning_rate)

Every random number comes from a generator whose seed is (recipe's seed, purpose, number of the epoch or
step). So there is no state of a generator to save: a training that is continued from a checkpoint gives the
same weights, bit for bit, as one that never stopped.
"""

from collections.abc import Callable
from contextlib import nullcontext
from itertools import repeat
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.network import Network, forward, layer_sizes
from models.preprocessing import preprocess
from training.backprop import backward
from training.data.epochs import Source
from training.data.mnist import Split, targets
from training.dropout import dropout_masks
from training.engine.feeder import feeding
from training.history import Epoch, error, measure
from training.losses import cost
from training.optimizers import decay_weights
from training.recipe import DRAW, DROPOUT, SHUFFLE, Recipe
from training.shared_start import share_gradients
from training.state import Training


class Step(NamedTuple):
    """The result of one batch, for the progress bar: number of images, cost, and share read wrongly."""

    images: int
    cost: float
    error: float


def fit(
    training: Training,
    split: Split,
    after_step: Callable[[Step], object] = id,
    after_epoch: Callable[[Epoch], object] = id,
) -> Network:
    """Train to the end and return the network to keep; `training` changes in place.

    after_step and after_epoch are called when a step or an epoch is complete. An exception that they raise
    ends the training, and `training` can then be saved and continued.
    """
    recipe, network, loss = training.recipe, training.network, training.recipe.output_loss
    examples = split.train.first(recipe.limit or None)
    source = Source(*examples, recipe.variety(len(examples.labels)), [recipe.seed, DRAW])
    labels = source.epoch_labels
    y_of_epoch = targets(labels)
    # For speed, a second process draws the deformed images of each epoch (engine/feeder.py).
    feed = feeding(source, training.epoch) if recipe.deform else nullcontext(repeat(source.images))
    with feed as epochs:
        while not training.finished:
            images = next(epochs)
            batches = shuffled_batches(recipe, training.epoch, len(labels))
            for batch in batches[training.batch :]:
                step = training.epoch * len(batches) + training.batch
                x, y = preprocess(images[batch]), y_of_epoch[batch]
                masks = dropout_masks(recipe.dropout, layer_sizes(network), len(x), recipe.rng(DROPOUT, step))

                activity = forward(network, x, masks)
                losses = loss.losses(activity, y)
                upstream = loss.cost_gradient(activity, y)
                backward(
                    network, activity, upstream, masks, from_logits=loss.takes_logits, out=training.gradients
                )
                if training.epoch < recipe.shared_epochs:
                    share_gradients(training.gradients)
                learning_rate = recipe.learning_rate_at(step, len(batches))
                # For speed, the optimizer gets all parameters as one vector (engine/flat_vector.py).
                decay_weights(training.parameters, learning_rate, recipe.weight_decay)
                training.optimizer.step(training.flat_parameters, training.flat_gradients, learning_rate)
                training.average.update(training.flat_parameters)

                training.batch += 1
                after_step(Step(len(x), cost(losses), error(activity.a[-1], labels[batch])))
            # As many training images as there are to validate: enough to compare, and quick.
            few = examples.first(len(split.validation.labels))
            measured = (measure(training.averaged, part, loss) for part in (few, split.validation))
            training.end_epoch(Epoch(*measured))
            after_epoch(training.history[-1])
    return training.result


def shuffled_batches(recipe: Recipe, epoch: int, examples: int) -> list[npt.NDArray[np.intp]]:
    """Return an epoch's batches, each the indices of its examples; the last may be smaller.

    >>> [batch.tolist() for batch in shuffled_batches(Recipe(batch_size=2), epoch=0, examples=5)]
    [[1, 4], [0, 3], [2]]
    """
    order = recipe.rng(SHUFFLE, epoch).permutation(examples)
    size = recipe.batch_size or examples
    return [order[first : first + size] for first in range(0, examples, size)]
