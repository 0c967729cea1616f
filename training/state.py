"""The state of a training: everything that changes from step to step, and that a checkpoint saves."""

from dataclasses import dataclass, field

import numpy as np

from models.network import CLASSES, PIXELS, Network, Parameters, from_parameters, parameters
from training.engine.flat_vector import flatten, views
from training.history import Epoch, best_epoch, stops_early
from training.initializers import initialise
from training.optimizers import OPTIMIZERS, Optimizer, WeightAverage
from training.recipe import INITIALISE, Recipe
from training.shared_start import shared_start

# The name of the one vector that holds all parameters.
ALL = "all"


@dataclass
class Training:
    """A training under way: its recipe, network and optimizer, and how far it has come.

    `parameters` and `gradients` name each array of the network and its gradient. `flat_parameters` and
    `flat_gradients` are the same numbers as one vector each, which the optimizer changes faster than many
    small arrays (engine/flat_vector.py); to change either is to change both.
    """

    recipe: Recipe
    network: Network
    optimizer: Optimizer
    average: WeightAverage
    epoch: int = 0
    batch: int = 0
    history: list[Epoch] = field(default_factory=list)
    best: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Move the parameters into one vector, and make another for their gradients."""
        named = parameters(self.network)
        vector, self.parameters = flatten(named)
        gradient = np.empty_like(vector)
        self.gradients = views(gradient, named)
        self.flat_parameters, self.flat_gradients = {ALL: vector}, {ALL: gradient}
        self.network = self._network_with(self.parameters)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or validation has not improved for `patience` of them."""
        return self.epoch >= self.recipe.epochs or stops_early(self.history, self.recipe.patience)

    @property
    def averaged(self) -> Network:
        """The network with the moving averages of its weights: the one that is measured and kept."""
        vector = self.average.averaged(self.flat_parameters)[ALL]
        return self._network_with(views(vector, self.parameters))

    @property
    def result(self) -> Network:
        """The averaged network: with early stopping that of the best epoch, otherwise that of the last."""
        return self._network_with(self.best) if self.recipe.patience and self.best else self.averaged

    def end_epoch(self, measured: Epoch) -> None:
        """Add what was measured to the history; with early stopping, keep the weights of the best epoch."""
        self.history.append(measured)
        if self.recipe.patience and best_epoch(self.history) == self.epoch:
            self.best = {name: p.copy() for name, p in parameters(self.averaged).items()}
        self.epoch += 1
        self.batch = 0

    def _network_with(self, named: Parameters) -> Network:
        return from_parameters(named, self.recipe.activations)


def start(recipe: Recipe) -> Training:
    """Begin a training: its parameters are drawn at random."""
    rng = recipe.rng(INITIALISE)
    network = initialise(
        [PIXELS, *recipe.hidden, CLASSES],
        recipe.activations,
        rng,
        weights=recipe.weights,
        biases=recipe.biases,
    )
    if recipe.shared_epochs:
        network = shared_start(network, rng)
    optimizer = OPTIMIZERS[recipe.optimizer](recipe.momentum)
    return Training(recipe, network, optimizer, WeightAverage(recipe.average_decay))
