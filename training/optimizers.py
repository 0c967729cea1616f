"""Optimizers: how a gradient g becomes a step of the parameter p, at learning rate lr (η).

    gradient descent   p -= lr g
    momentum           v = m v + g          p -= lr v
    nesterov           v = m v + g          p -= lr (g + m v)
    adam               u = β1 u + (1 - β1) g,    v = β2 v + (1 - β2) g²
                       p -= lr · (u / (1 - β1^t)) / (sqrt(v / (1 - β2^t)) + ε)

Whether this is full-batch, stochastic or mini-batch descent is the batch's size, not the step's
form. Weight decay is decoupled: it shrinks W itself, p *= 1 - lr·decay, before the step.

Steps work in place on float32 arrays. The optimizer's `state`, a plain dict of arrays, is the one
thing in training that remembers anything between steps. Sources: Sutskever et al., "On the
importance of initialization and momentum", 2013 (in the form that PyTorch uses); Kingma, Ba, "Adam",
2014, algorithm 1; Loshchilov, Hutter, "Decoupled Weight Decay Regularization", 2017.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from models.activations import Array
from models.network import Parameters


class Optimizer(Protocol):
    """Anything that can take a step, and whose memory can be saved and put back."""

    state: dict[str, Array]

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, against its gradient."""


class GradientDescent:
    """Plain gradient descent: no memory."""

    def __init__(self) -> None:
        """Start with nothing to remember."""
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, against its gradient."""
        for name, p in parameters.items():
            p -= learning_rate * gradients[name]


class Momentum:
    """Gradient descent with a velocity per parameter, optionally looking ahead (Nesterov)."""

    def __init__(self, momentum: float = 0.9, *, nesterov: bool = False) -> None:
        """Remember the share of the velocity that each step keeps."""
        self.momentum = momentum
        self.nesterov = nesterov
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, along its velocity."""
        for name, p in parameters.items():
            g = gradients[name]
            v = self.state.setdefault(f"velocity.{name}", np.zeros_like(p))
            v *= self.momentum
            v += g
            p -= learning_rate * (g + self.momentum * v if self.nesterov else v)


class Adam:
    """Adam: a step per parameter, scaled by its own gradient's recent mean and size."""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        """Remember how slowly the two averages forget."""
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters, gradients: Parameters, learning_rate: float) -> None:
        """Move every parameter, in place, by its averaged gradient over its averaged size."""
        t = self.state.setdefault("t", np.zeros(()))
        t += 1
        correction1, correction2 = 1 - self.beta1 ** float(t), 1 - self.beta2 ** float(t)
        for name, p in parameters.items():
            g = gradients[name]
            u = self.state.setdefault(f"mean.{name}", np.zeros_like(p))
            v = self.state.setdefault(f"square.{name}", np.zeros_like(p))
            u += (1 - self.beta1) * (g - u)
            v += (1 - self.beta2) * (g * g - v)
            p -= (learning_rate / correction1) * u / (np.sqrt(v / correction2) + self.epsilon)


class WeightAverage:
    """Exponential moving average of the weights: m = d m + (1 - d) p, read instead of p at the end.

    The first steps use a smaller d = (1 + t) / (10 + t), so that the random start is soon forgotten.
    Source: Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    def __init__(self, decay: float) -> None:
        """Remember the share of the average that each step keeps, from 0 (none) below 1."""
        self.decay = decay
        self.state: dict[str, Array] = {}

    def update(self, parameters: Parameters) -> None:
        """Let the average follow the parameters by one step."""
        t = self.state.setdefault("t", np.zeros(()))
        decay = min(self.decay, (1 + float(t)) / (10 + float(t)))
        t += 1
        for name, p in parameters.items():
            m = self.state.setdefault(name, p.copy())
            m += (1 - decay) * (p - m)

    def averaged(self, parameters: Parameters) -> Parameters:
        """Return the averages of these parameters, or the parameters before any update."""
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
