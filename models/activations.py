"""Activations: what a neuron does with its weighted sum z. Each has its derivative beneath it.

An activation f acts on each element by itself, so backpropagation multiplies by f'(z):

    a = f(z)        delta = upstream * f'(z)        upstream = d cost / d a,  delta = d cost / d z

Softmax is the exception: each output depends on the whole row. Its derivative is the Jacobian
J[i, j] = a[i] * ((i == j) - a[j]), and the product with it collapses to one line:

    delta = a * (upstream - sum(upstream * a))
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

LEAK = 0.01


def identity(z: Array) -> Array:
    """Pass z on: what a regression's output or a hinge loss wants."""
    return z


def identity_derivative(z: Array) -> Array:
    """Return 1 everywhere."""
    return np.ones_like(z)


def sigmoid(z: Array) -> Array:
    """Squash to (0, 1): 1 / (1 + exp(-z)), written with tanh so that no exp overflows.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_derivative(z: Array) -> Array:
    """Return a * (1 - a): at most 1/4, which is why deep sigmoid networks learn slowly."""
    a = sigmoid(z)
    return a * (1 - a)


def tanh(z: Array) -> Array:
    """Squash to (-1, 1), centred on 0."""
    return np.tanh(z)


def tanh_derivative(z: Array) -> Array:
    """Return 1 - a²."""
    return 1 - np.tanh(z) ** 2


def relu(z: Array) -> Array:
    """Cut off below 0: max(z, 0)."""
    return np.maximum(z, 0)


def relu_derivative(z: Array) -> Array:
    """Return 1 above 0, else 0 (at the kink too, by convention)."""
    return (z > 0).astype(z.dtype)


def leaky_relu(z: Array) -> Array:
    """Let a hundredth of the negative side through, so that no neuron dies."""
    return np.maximum(z, LEAK * z)


def leaky_relu_derivative(z: Array) -> Array:
    """Return 1 above 0, else the leak."""
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAK))


def prelu(z: Array, slope: Array) -> Array:
    """Parametric ReLU: z above 0, slope * z below; slope (fan_out,) is learned with the weights.

    Source: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015, equation 1.
    """
    return np.where(z > 0, z, slope * z)


def prelu_derivative(z: Array, slope: Array) -> Array:
    """Return d prelu / d z: 1 above 0, else the slope."""
    return np.where(z > 0, z.dtype.type(1), slope)


def prelu_slope_derivative(z: Array) -> Array:
    """Return d prelu / d slope: 0 above 0, else z."""
    return np.minimum(z, 0)


def sqnl(z: Array) -> Array:
    """Square nonlinearity: tanh's shape from one square, exactly ±1 beyond ±2.

    f = z - z²/4 on [0, 2], z + z²/4 on [-2, 0].
    Source: Wuraola, Patel, "SQNL: A New Computationally Efficient Activation Function", 2018.

    >>> sqnl(np.array([-3.0, -1.0, 0.0, 1.0, 2.0]))
    array([-1.  , -0.75,  0.  ,  0.75,  1.  ])
    """
    c = np.clip(z, -2, 2)
    return c - c * np.abs(c) / 4


def sqnl_derivative(z: Array) -> Array:
    """Return 1 - |z|/2 within ±2, else 0."""
    return 1 - np.abs(np.clip(z, -2, 2)) / 2


def arctan(z: Array) -> Array:
    """Squash to (-π/2, π/2), with longer tails than tanh."""
    return np.arctan(z)


def arctan_derivative(z: Array) -> Array:
    """Return 1 / (1 + z²)."""
    return 1 / (1 + z * z)


def softmax(z: Array) -> Array:
    """Turn each row of z (N, K) into probabilities: exp(z) / sum(exp(z)).

    Subtracting the row's maximum first changes nothing in the quotient and keeps exp from overflowing.

    >>> softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3)]]))
    array([[0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(z: Array, upstream: Array) -> Array:
    """Return the Jacobian of softmax at z times upstream, both (N, K), row by row."""
    a = softmax(z)
    return a * (upstream - (upstream * a).sum(axis=-1, keepdims=True))


class Elementwise(NamedTuple):
    """An activation that acts on each element by itself, and its derivative."""

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


ELEMENTWISE = {
    "identity": Elementwise(identity, identity_derivative),
    "sigmoid": Elementwise(sigmoid, sigmoid_derivative),
    "tanh": Elementwise(tanh, tanh_derivative),
    "relu": Elementwise(relu, relu_derivative),
    "leaky_relu": Elementwise(leaky_relu, leaky_relu_derivative),
    "sqnl": Elementwise(sqnl, sqnl_derivative),
    "arctan": Elementwise(arctan, arctan_derivative),
}
ACTIVATIONS = (*ELEMENTWISE, "prelu", "softmax")


def activate(name: str, z: Array, slope: Array | None = None) -> Array:
    """Apply the activation of that name to z (N, fan_out); slope (fan_out,) is prelu's alone."""
    if name == "softmax":
        return softmax(z)
    if slope is not None:
        return prelu(z, slope)
    return ELEMENTWISE[name].function(z)


def activate_backward(name: str, z: Array, upstream: Array, slope: Array | None = None) -> Array:
    """Turn upstream = d cost / d a into delta = d cost / d z, both (N, fan_out)."""
    if name == "softmax":
        return softmax_backward(z, upstream)
    if slope is not None:
        return upstream * prelu_derivative(z, slope)
    return upstream * ELEMENTWISE[name].derivative(z)
