"""Activations: functions of a neuron's weighted sum z. Each has its derivative beneath it.

An activation f is applied to each element separately, so backpropagation multiplies by f'(z):

    a = f(z)        delta = upstream * f'(z)        upstream = d cost / d a,  delta = d cost / d z

Softmax is the exception: each output depends on the whole row. Its derivative is the Jacobian matrix
J[i, j] = a[i] * ((i == j) - a[j]), and upstream @ J simplifies to one line:

    delta = a * (upstream - sum(upstream * a))
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

LEAK = 0.01


def identity(z: Array) -> Array:
    """Return z: for the output of a regression, or with the hinge loss."""
    return z


def identity_derivative(z: Array) -> Array:
    """Return 1 everywhere."""
    return np.ones_like(z)


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), from 0 to 1; computed with tanh, which can't overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_derivative(z: Array) -> Array:
    """Return a * (1 - a), which is at most 1/4; this is why deep sigmoid networks learn slowly."""
    a = sigmoid(z)
    return a * (1 - a)


def tanh(z: Array) -> Array:
    """Return the hyperbolic tangent of z, from -1 to 1, centred on 0."""
    return np.tanh(z)


def tanh_derivative(z: Array) -> Array:
    """Return 1 - a²."""
    return 1 - np.tanh(z) ** 2


def relu(z: Array) -> Array:
    """Return max(z, 0)."""
    return np.maximum(z, 0)


def relu_derivative(z: Array) -> Array:
    """Return 1 for z > 0, otherwise 0 (at z = 0 by convention)."""
    return (z > 0).astype(z.dtype)


def leaky_relu(z: Array) -> Array:
    """Return z for z > 0, otherwise 0.01 z, so that the derivative is never 0."""
    return np.maximum(z, LEAK * z)


def leaky_relu_derivative(z: Array) -> Array:
    """Return 1 for z > 0, otherwise 0.01."""
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAK))


def prelu(z: Array, slope: Array) -> Array:
    """Return z for z > 0, otherwise slope * z; slope (fan_out,) is trained with the weights.

    Source: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015, equation 1.
    """
    return np.where(z > 0, z, slope * z)


def prelu_derivative(z: Array, slope: Array) -> Array:
    """Return d prelu / d z: 1 for z > 0, otherwise the slope."""
    return np.where(z > 0, z.dtype.type(1), slope)


def prelu_slope_derivative(z: Array) -> Array:
    """Return d prelu / d slope: 0 for z > 0, otherwise z."""
    return np.minimum(z, 0)


def sqnl(z: Array) -> Array:
    """Return the square nonlinearity: shaped like tanh, computed from one square, and ±1 beyond ±2.

    f = z - z²/4 on [0, 2], z + z²/4 on [-2, 0].
    Source: Wuraola, Patel, "SQNL: A New Computationally Efficient Activation Function", 2018.

    >>> sqnl(np.array([-3.0, -1.0, 0.0, 1.0, 2.0]))
    array([-1.  , -0.75,  0.  ,  0.75,  1.  ])
    """
    c = np.clip(z, -2, 2)
    return c - c * np.abs(c) / 4


def sqnl_derivative(z: Array) -> Array:
    """Return 1 - |z|/2 from -2 to 2, otherwise 0."""
    return 1 - np.abs(np.clip(z, -2, 2)) / 2


def arctan(z: Array) -> Array:
    """Return the arctangent of z, from -π/2 to π/2; it nears its limits more slowly than tanh."""
    return np.arctan(z)


def arctan_derivative(z: Array) -> Array:
    """Return 1 / (1 + z²)."""
    return 1 / (1 + z * z)


def softmax(z: Array) -> Array:
    """Turn each row of z (N, K) into probabilities: exp(z) / sum(exp(z)).

    The maximum of the row is subtracted first: the quotient stays the same, and exp can't overflow.

    >>> softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3)]]))
    array([[0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(z: Array, upstream: Array) -> Array:
    """Return upstream times the Jacobian of softmax at z, for each row of the two (N, K)."""
    a = softmax(z)
    return a * (upstream - (upstream * a).sum(axis=-1, keepdims=True))


class Elementwise(NamedTuple):
    """An activation that is applied to each element separately, and its derivative."""

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
    """Apply the activation of that name to z (N, fan_out); slope (fan_out,) is for prelu alone."""
    if name == "softmax":
        return softmax(z)
    if slope is not None:
        return prelu(z, slope)
    return ELEMENTWISE[name].function(z)


def activate_backward(name: str, z: Array, upstream: Array, slope: Array | None = None) -> Array:
    """Return delta = d cost / d z from upstream = d cost / d a, both (N, fan_out)."""
    if name == "softmax":
        return softmax_backward(z, upstream)
    if slope is not None:
        return upstream * prelu_derivative(z, slope)
    return upstream * ELEMENTWISE[name].derivative(z)
