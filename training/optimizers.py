"""Optimizers: the step of a parameter p, from its gradient g, at learning rate lr (η).

    gradient descent   p -= lr g
    momentum           v = m v + g          p -= lr v
    nesterov           v = m v + g          p -= lr (g + m v)
    adam               u = β1 u + (1 - β1) g,    v = β2 v + (1 - β2) g²
                       p -= lr · (u / (1 - β1^t)) / (sqrt(v / (1 - β2^t)) + ε)

m is the momentum, v the velocity (in Adam, the mean square), u the mean gradient, t the number of the step.
Full-batch, stochastic and mini-batch descent take the same steps; they differ in the size of the batch.
Weight decay is decoupled: W *= 1 - lr · decay before the step.

Steps change the parameters in place, block by block (engine/blocks.py), and leave the gradients as they are.
What an optimizer must remember between steps is in its `state`, a dict of arrays, which a checkpoint saves.
Sources: Sutskever et al., "On the importance of initialization and momentum", 2013 (in the form that PyTorch
uses); Kingma, Ba, "Adam", 2014, algorithm 1; Loshchilov, Hutter, "Decoupled Weight Decay Regularization",
2017.
"""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from models.activations import Array
from models.network import Parameters
from training.engine.blocks import in_blocks


class Optimizer(Protocol):
    """An object that takes steps, with a state that can be saved and restored."""

    state: dict[str, Array]

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, in the direction that lowers the cost."""


class GradientDescent:
    """Plain gradient descent; its state is empty."""

    def __init__(self) -> None:
        """Start with an empty state."""
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, in the direction that lowers the cost."""

        def descend(p: Array, g: Array, change: Array) -> None:
            np.multiply(g, learning_rate, out=change)
            p -= change

        for name, parameter in parameters.items():
            in_blocks(descend, parameter, gradients[name])


class Momentum:
    """Gradient descent with a velocity for each parameter; with nesterov, the step looks ahead."""

    def __init__(self, momentum: float = 0.9, *, nesterov: bool = False) -> None:
        """Set the share of the velocity that each step keeps."""
        self.momentum = momentum
        self.nesterov = nesterov
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, along its velocity."""

        def roll(p: Array, g: Array, v: Array, change: Array) -> None:
            v *= self.momentum
            v += g
            if self.nesterov:
                np.multiply(v, self.momentum, out=change)
                change += g
                change *= learning_rate
            else:
                np.multiply(v, learning_rate, out=change)
            p -= change

        for name, parameter in parameters.items():
            velocity = _remembered(self.state, f"velocity.{name}", parameter)
            in_blocks(roll, parameter, gradients[name], velocity)


class Adam:
    """Adam: each parameter's step is the mean of its recent gradients, divided by their root mean square.

    The state has u / (1 - β1) and v / (1 - β2), which saves two passes in each step; the learning rate and
    ε are multiplied by the factors instead.
    """

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        """Set the decay of the two averages, and the ε that avoids a division by 0."""
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, by its mean gradient over its root mean square."""
        t = self.state.setdefault("t", np.zeros(()))
        t += 1
        mean_factor = (1 - self.beta1) / (1 - self.beta1 ** float(t))
        size_factor = math.sqrt((1 - self.beta2) / (1 - self.beta2 ** float(t)))
        rate, epsilon = learning_rate * mean_factor / size_factor, self.epsilon / size_factor

        def adapt(p: Array, g: Array, u: Array, v: Array, change: Array) -> None:
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

        for name, parameter in parameters.items():
            mean = _remembered(self.state, f"mean.{name}", parameter)
            square = _remembered(self.state, f"square.{name}", parameter)
            in_blocks(adapt, parameter, gradients[name], mean, square)


def _remembered(state: dict[str, Array], name: str, like: Array) -> Array:
    if name not in state:
        state[name] = np.zeros_like(like)
    return state[name]


class WeightAverage:
    """Exponential moving average m of the parameters p: m = d m + (1 - d) p. It ships in place of p.

    Only every eighth step updates it, with d = decay⁸: this costs an eighth, and the difference is too small
    to measure. The first updates use a smaller d = (1 + t) / (10 + t), so that the random initial weights
    soon have no effect.
    Source: Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    EVERY = 8

    def __init__(self, decay: float) -> None:
        """Set the share of the average that each step keeps, below 1; 0 switches averaging off."""
        self.decay = decay
        self.state: dict[str, Array] = {}

    def update(self, parameters: Parameters) -> None:
        """Count a step, and update the average if it is due."""
        step = self.state.setdefault("t", np.zeros(()))
        step += 1
        if not self.decay or float(step) % self.EVERY:
            return
        t = float(step) / self.EVERY
        d = min(self.decay**self.EVERY, (1 + t) / (10 + t))

        def follow(m: Array, p: Array, change: Array) -> None:
            np.subtract(p, m, out=change)
            change *= 1 - d
            m += change

        for name, parameter in parameters.items():
            if name not in self.state:
                self.state[name] = parameter.copy()
            in_blocks(follow, self.state[name], parameter)

    def averaged(self, parameters: Parameters) -> Parameters:
        """Return the averages of these parameters; before the first update, the parameters themselves."""
        return {name: self.state.get(name, p) for name, p in parameters.items()}


def decay_weights(parameters: Parameters, learning_rate: float, weight_decay: float) -> None:
    """Multiply every weight matrix W, in place, by 1 - lr · decay; biases and slopes stay as they are."""
    for name, p in parameters.items():
        if weight_decay and name.startswith("W"):
            p *= 1 - learning_rate * weight_decay


OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {
    "gradient_descent": lambda _: GradientDescent(),
    "momentum": Momentum,
    "nesterov": lambda momentum: Momentum(momentum, nesterov=True),
    "adam": Adam,
}
