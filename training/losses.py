"""Losses: a number for how wrong each output is. Each loss has its gradient beneath it.

y (N, K) are the targets, one row for each example: 1 for the true class, 0 elsewhere. y_hat (N, K) are the
outputs of the network, z (N, K) the logits, the last layer's weighted sums. A loss is per example, of shape
(N,); the cost is the mean of the losses over the batch:

    difference      mean_k(y - y_hat)              errors cancel out: can't be trained with
    mae             mean_k|y - y_hat|              gradient  sign(y_hat - y) / K
    sse             sum_k (y - y_hat)²             gradient  2 (y_hat - y)
    mse             mean_k(y - y_hat)²             gradient  2 (y_hat - y) / K
    hinge           sum_k max(0, 1 - t y_hat), t = 2y - 1 (±1)     gradient -t where 1 - t y_hat > 0
    cross_entropy   -sum_k y log y_hat, y_hat = softmax(z)     gradient with respect to z: y_hat - y

The gradients are with respect to y_hat, except that of cross-entropy, which is computed from the logits z:
log(softmax(z)) = z - logsumexp(z) never takes the logarithm of 0, and together with softmax the gradient is
y_hat - y (Bishop, "Pattern Recognition and Machine Learning", 2006, equation 4.109).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from models.activations import ACTIVATIONS, Array, softmax
from models.network import Activity


def difference(y_hat: Array, y: Array) -> Array:
    """Return mean_k(y - y_hat): signed, so that errors of opposite sign cancel out.

    >>> y, y_hat = np.array([[0.0], [0.0]]), np.array([[-100.0], [100.0]])
    >>> difference(y_hat, y), cost(difference(y_hat, y))
    (array([ 100., -100.]), 0.0)
    """
    return (y - y_hat).mean(axis=1)


def mae(y_hat: Array, y: Array) -> Array:
    """Return the mean absolute error over the K outputs."""
    return np.abs(y - y_hat).mean(axis=1)


def mae_gradient(y_hat: Array, y: Array) -> Array:
    """Return d mae / d y_hat (N, K)."""
    return np.sign(y_hat - y) / y.shape[1]


def sse(y_hat: Array, y: Array) -> Array:
    """Return the sum of squared errors over the K outputs."""
    return ((y - y_hat) ** 2).sum(axis=1)


def sse_gradient(y_hat: Array, y: Array) -> Array:
    """Return d sse / d y_hat (N, K)."""
    return 2 * (y_hat - y)


def mse(y_hat: Array, y: Array) -> Array:
    """Return the mean squared error over the K outputs."""
    return ((y - y_hat) ** 2).mean(axis=1)


def mse_gradient(y_hat: Array, y: Array) -> Array:
    """Return d mse / d y_hat (N, K)."""
    return 2 * (y_hat - y) / y.shape[1]


def hinge(y_hat: Array, y: Array) -> Array:
    """Return the one-against-the-rest hinge loss: 0 if the true class scores above 1, the others below -1."""
    t = 2 * y - 1
    return np.maximum(0, 1 - t * y_hat).sum(axis=1)


def hinge_gradient(y_hat: Array, y: Array) -> Array:
    """Return d hinge / d y_hat (N, K)."""
    t = 2 * y - 1
    return np.where(t * y_hat < 1, -t, 0)


def cross_entropy(z: Array, y: Array) -> Array:
    """Return the cross-entropy of softmax(z) with y, from the logits z (N, K).

    >>> cross_entropy(np.array([[1000.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    array([1.00000000e+03, 6.93147181e-01])
    """
    shifted = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - (shifted * y).sum(axis=1)


def cross_entropy_gradient(z: Array, y: Array) -> Array:
    """Return d cross_entropy / d z (N, K): softmax(z) - y, if each row of y sums to 1."""
    return softmax(z) - y


def cost(losses: Array) -> float:
    """Return the mean of the losses (N,)."""
    return float(losses.mean())


class Loss(NamedTuple):
    """A loss, its gradient with respect to its first argument, and the output activations that it is for."""

    function: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    outputs: tuple[str, ...]

    @property
    def takes_logits(self) -> bool:
        """Whether the first argument is the logits z rather than the outputs y_hat."""
        return self.function is cross_entropy

    def losses(self, activity: Activity, y: Array) -> Array:
        """Return the loss (N,) of each example, from the result of forward() and the targets y (N, K)."""
        return self.function(self._argument(activity), y)

    def cost_gradient(self, activity: Activity, y: Array) -> Array:
        """Return the gradient (N, K) of the cost with respect to the output: to z if takes_logits, else to a.

        The cost is the mean of the losses over the batch: hence the division by N.
        """
        return self.gradient(self._argument(activity), y) / len(y)

    def _argument(self, activity: Activity) -> Array:
        return activity.z[-1] if self.takes_logits else activity.a[-1]


# The hinge loss needs scores below -1, which outputs from 0 to 1 can't reach.
SCORES = ("identity", "tanh", "leaky_relu", "prelu", "sqnl", "arctan")
LOSSES = {
    "mae": Loss(mae, mae_gradient, ACTIVATIONS),
    "sse": Loss(sse, sse_gradient, ACTIVATIONS),
    "mse": Loss(mse, mse_gradient, ACTIVATIONS),
    "hinge": Loss(hinge, hinge_gradient, SCORES),
    "cross_entropy": Loss(cross_entropy, cross_entropy_gradient, ("softmax",)),
}


def loss_named(name: str, output_activation: str) -> Loss:
    """Return the loss of that name, for a network with that output activation.

    Raises ValueError with the reason if the two do not fit.

    >>> loss_named("difference", "softmax")
    Traceback (most recent call last):
    ValueError: 'difference' can't train: errors of +100 and -100 average to 0; use mae, sse or mse
    """
    if name == "difference":
        raise ValueError(
            "'difference' can't train: errors of +100 and -100 average to 0; use mae, sse or mse"
        )
    if name not in LOSSES:
        raise ValueError(f"unknown loss {name!r}: choose from {', '.join(LOSSES)}")
    if output_activation not in LOSSES[name].outputs:
        outputs = ", ".join(LOSSES[name].outputs)
        raise ValueError(f"{name} is meant for outputs {outputs}, not for {output_activation!r}")
    return LOSSES[name]
