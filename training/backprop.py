"""Backpropagation: the gradient of the cost by every parameter, from one forward pass.

From the last layer to the first, with upstream = d cost / d a and delta = d cost / d z:

    delta    = upstream * f'(z)          at the output, from the loss; with cross-entropy y_hat - y
    dW       = a_before.T @ delta        (fan_in, fan_out)
    db       = sum over the batch of delta
    dslope   = sum over the batch of upstream * min(z, 0)        prelu alone
    upstream = delta @ W.T               what the layer before hears

The cost is the mean over the batch, so the first upstream carries the factor 1 / N.
"""

from collections.abc import Sequence

import numpy as np

from models.activations import Array, activate_backward, prelu_slope_derivative
from models.network import Activity, Network, Parameters, parameters
from training.losses import Loss


def backward(  # noqa: PLR0913 - each is a part of the equations
    network: Network,
    activity: Activity,
    y: Array,
    loss: Loss,
    masks: Sequence[Array | None] = (),
    *,
    out: Parameters | None = None,
    d_x: Array | None = None,
) -> Parameters:
    """Return d cost / d parameter, named as in models.network.parameters.

    activity is what forward returned for the batch, with the same masks; y (N, K) the targets.
    The gradients are written into the arrays of `out`, if given, and else into new ones. For what lies
    before the network, d cost / d x (N, fan_in) is written into `d_x`, if given.
    """
    gradients = {n: np.empty_like(p) for n, p in parameters(network).items()} if out is None else out
    n = len(y)
    fused = loss.takes_logits
    upstream: Array = loss.gradient(activity.z[-1] if fused else activity.a[-1], y) / n
    for index in reversed(range(len(network))):
        layer, z = network[index], activity.z[index]
        last = index == len(network) - 1
        if last and fused:
            delta = upstream
        else:
            upstream = _through_mask(upstream, masks, index + 1)
            delta = activate_backward(layer.activation, z, upstream, layer.slope)
        if layer.slope is not None:
            np.sum(upstream * prelu_slope_derivative(z), axis=0, out=gradients[f"slope{index}"])
        np.matmul(activity.a[index].T, delta, out=gradients[f"W{index}"])
        np.sum(delta, axis=0, out=gradients[f"b{index}"])
        if index > 0:
            upstream = delta @ layer.W.T
    if d_x is not None:
        d_x[...] = _through_mask(delta @ network[0].W.T, masks, 0)
    return gradients


def _through_mask(upstream: Array, masks: Sequence[Array | None], index: int) -> Array:
    mask = masks[index] if index < len(masks) else None
    return upstream if mask is None else upstream * mask
