"""Backpropagation: the gradient of the cost with respect to every parameter, from one forward pass.

From the last layer to the first, with upstream = d cost / d a and delta = d cost / d z of the layer:

    delta    = upstream * f'(z)
    dW       = a_before.T @ delta                        (fan_in, fan_out)
    db       = sum of delta over the batch               (fan_out,)
    dslope   = sum of upstream * min(z, 0) over the batch    (fan_out,), for prelu alone
    upstream = delta @ W.T                               (N, fan_in), for the layer before

The cost is the mean of the losses over the batch of N examples, so the first upstream is the gradient of the
loss divided by N. Cross-entropy is computed from the logits z, so its gradient is the delta of the last layer
already.
"""

from collections.abc import Sequence

import numpy as np

from models.activations import Array, activate_backward, prelu_slope_derivative
from models.network import Activity, Network, Parameters, parameters


def backward(  # noqa: PLR0913 - each is a part of the equations
    network: Network,
    activity: Activity,
    upstream: Array,
    masks: Sequence[Array | None] = (),
    *,
    from_logits: bool = False,
    out: Parameters | None = None,
) -> Parameters:
    """Return d cost / d parameter for every parameter, by the names of models.network.parameters.

    activity is the result of forward() for the batch, with the same masks. upstream (N, K) is the gradient of
    the cost with respect to the output a of the last layer, or to its z if from_logits. The gradients are
    written into the arrays of `out` if it is given, otherwise into new ones.

    >>> from models.network import Layer, forward
    >>> network = (Layer(np.array([[2.0], [-1.0]]), np.array([0.5]), "relu"),)
    >>> x = np.array([[1.0, 0.0], [3.0, 1.0]])
    >>> backward(network, forward(network, x), upstream=np.array([[1.0], [0.5]]))
    {'W0': array([[2.5], [0.5]]), 'b0': array([1.5])}
    """
    gradients = {n: np.empty_like(p) for n, p in parameters(network).items()} if out is None else out
    for index in reversed(range(len(network))):
        layer, z = network[index], activity.z[index]
        if from_logits and index == len(network) - 1:
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
    return gradients


def _through_mask(upstream: Array, masks: Sequence[Array | None], index: int) -> Array:
    mask = masks[index] if index < len(masks) else None
    return upstream if mask is None else upstream * mask
