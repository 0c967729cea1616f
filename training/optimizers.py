"""Optimizers: how a gradient g becomes a step of the parameter p, at learning rate lr (η).

    gradient descent   p -= lr g
    momentum           v = m v + g          p -= lr v
    nesterov           v = m v + g          p -= lr (g + m v)
    adam               u = β1 u + (1 - β1) g,    v = β2 v + (1 - β2) g²
                       p -= lr · (u / (1 - β1^t)) / (sqrt(v / (1 - β2^t)) + ε)

Whether this is full-batch, stochastic or mini-batch descent is the batch's size, not the step's
form. Weight decay is decoupled: it shrinks W itself, p *= 1 - lr·decay, before the step.

Steps work in place, block by block: a block of each array fits the processor's cache together, so
that several passes over it cost little more than one. Gradients are read, never changed. The
optimizer's `state`, a plain dict of arrays, is the one thing in training that remembers anything
between steps. Sources: Sutskever et al., "On the importance of initialization and momentum", 2013 (in
the form that PyTorch uses); Kingma, Ba, "Adam", 2014, algorithm 1; Loshchilov, Hutter, "Decoupled
Weight Decay Regularization", 2017.
"""

import math
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from models.activations import Array
from models.network import Parameters

BLOCK = 131072


class Optimizer(Protocol):
    """Anything that can take a step, and whose memory can be saved and put back."""

    state: dict[str, Array]

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, against its gradient."""


def _blocks(*arrays: Array) -> Iterator[list[Array]]:
    """Walk through contiguous arrays of one size together, and a scratch of their type with them.

    >>> [[len(part) for part in parts] for parts in _blocks(np.zeros((2, 3)), np.zeros(6))]
    [[6, 6, 6]]
    """
    flat = [array.reshape(-1) for array in arrays]
    scratch = np.empty(min(BLOCK, flat[0].size), flat[0].dtype)
    for first in range(0, flat[0].size, BLOCK):
        parts = [array[first : first + BLOCK] for array in flat]
        yield [*parts, scratch[: parts[0].size]]


class GradientDescent:
    """Plain gradient descent: no memory."""

    def __init__(self) -> None:
        """Start with nothing to remember."""
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, against its gradient."""
        for name, parameter in parameters.items():
            for p, g, change in _blocks(parameter, gradients[name]):
                np.multiply(g, learning_rate, out=change)
                p -= change


class Momentum:
    """Gradient descent with a velocity per parameter, optionally looking ahead (Nesterov)."""

    def __init__(self, momentum: float = 0.9, *, nesterov: bool = False) -> None:
        """Remember the share of the velocity that each step keeps."""
        self.momentum = momentum
        self.nesterov = nesterov
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, along its velocity."""
        for name, parameter in parameters.items():
            velocity = _remembered(self.state, f"velocity.{name}", parameter)
            for p, g, v, change in _blocks(parameter, gradients[name], velocity):
                v *= self.momentum
                v += g
                if self.nesterov:
                    np.multiply(v, self.momentum, out=change)
                    change += g
                    change *= learning_rate
                else:
                    np.multiply(v, learning_rate, out=change)
                p -= change


class Adam:
    """Adam: a step per parameter, scaled by its own gradient's recent mean and size.

    The state holds u / (1 - β1) and v / (1 - β2), which saves two passes a step; the factors move into
    the learning rate and ε.
    """

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        """Remember how slowly the two averages forget."""
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, by its averaged gradient over its averaged size."""
        t = self.state.setdefault("t", np.zeros(()))
        t += 1
        mean_factor = (1 - self.beta1) / (1 - self.beta1 ** float(t))
        size_factor = math.sqrt((1 - self.beta2) / (1 - self.beta2 ** float(t)))
        rate, epsilon = learning_rate * mean_factor / size_factor, self.epsilon / size_factor
        for name, parameter in parameters.items():
            mean = _remembered(self.state, f"mean.{name}", parameter)
            square = _remembered(self.state, f"square.{name}", parameter)
            for p, g, u, v, change in _blocks(parameter, gradients[name], mean, square):
                u *= self.beta1
                u += g
                v *= self.beta2
                np.multiply(g, g, out=change)
                v += change
                np.sqrt(v, out=change)
                change += epsilon
                np.divide(u, change, out=change)
                change *= rate
                p -= change


def _remembered(state: dict[str, Array], name: str, like: Array) -> Array:
    if name not in state:
        state[name] = np.zeros_like(like)
    return state[name]


class WeightAverage:
    """Exponential moving average of the weights: m = d m + (1 - d) p, read instead of p at the end.

    It is brought up to date every eighth step, with d = decay⁸, which differs too little to measure
    and costs an eighth. The first times use a smaller d = (1 + t) / (10 + t), so that the random start
    is soon forgotten.
    Source: Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    EVERY = 8

    def __init__(self, decay: float) -> None:
        """Remember the share of the average that each step keeps, from 0 (none) below 1."""
        self.decay = decay
        self.state: dict[str, Array] = {}

    def update(self, parameters: Parameters) -> None:
        """Let the average follow the parameters by one step."""
        step = self.state.setdefault("t", np.zeros(()))
        step += 1
        if not self.decay or float(step) % self.EVERY:
            return
        t = float(step) / self.EVERY
        d = min(self.decay**self.EVERY, (1 + t) / (10 + t))
        for name, parameter in parameters.items():
            if name not in self.state:
                self.state[name] = parameter.copy()
            for m, p, change in _blocks(self.state[name], parameter):
                np.subtract(p, m, out=change)
                change *= 1 - d
                m += change

    def averaged(self, parameters: Parameters) -> Parameters:
        """Return the averages of these parameters, or the parameters where there is none yet."""
        return {name: self.state.get(name, p) for name, p in parameters.items()}


def decay_weights(parameters: Parameters, learning_rate: float, weight_decay: float) -> None:
    """Shrink every weight matrix, in place, by lr·decay of itself; biases and slopes are left."""
    for name, p in parameters.items():
        if weight_decay and name.startswith("W"):
            p *= 1 - learning_rate * weight_decay


OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {
    "gradient_descent": lambda _: GradientDescent(),
    "momentum": Momentum,
    "nesterov": lambda momentum: Momentum(momentum, nesterov=True),
    "adam": Adam,
}
