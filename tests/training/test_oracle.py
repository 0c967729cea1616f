"""An independent oracle: PyTorch's gradients and steps equal ours."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from models.activations import Array
from models.network import Network, forward, parameters
from training.backprop import backward
from training.initializers import initialise
from training.losses import LOSSES
from training.optimizers import OPTIMIZERS, decay_weights

if os.environ.get("DIGITS_REQUIRE_ALL"):
    import torch
else:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "identity": lambda z, _: z,
    "sigmoid": lambda z, _: torch.sigmoid(z),
    "tanh": lambda z, _: torch.tanh(z),
    "relu": lambda z, _: torch.relu(z),
    "leaky_relu": lambda z, _: torch.nn.functional.leaky_relu(z, 0.01),
    "prelu": torch.nn.functional.prelu,
    "arctan": lambda z, _: torch.atan(z),
    "softmax": lambda z, _: torch.softmax(z, dim=1),
}
COSTS: dict[str, Callable[[Any, Any], Any]] = {
    "mae": torch.nn.functional.l1_loss,
    "mse": torch.nn.functional.mse_loss,
    "sse": lambda y_hat, y: torch.nn.functional.mse_loss(y_hat, y, reduction="sum") / len(y),
    "hinge": lambda y_hat, y: torch.clamp(1 - (2 * y - 1) * y_hat, min=0).sum() / len(y),
    "cross_entropy": torch.nn.functional.cross_entropy,
}
STEPS: dict[str, Callable[[Any], Any]] = {
    "gradient_descent": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.0),
}
TOLERANCE = 1e-5


def problem(hidden: str, output: str) -> tuple[Network, Array, Array]:
    """Draw a network 20-12-10 and a batch of 16, in float32."""
    rng = np.random.default_rng(0)
    network = initialise([20, 12, 10], [hidden, output], rng, biases="uniform")
    x = rng.normal(size=(16, 20)).astype(np.float32)
    return network, x, np.eye(10, dtype=np.float32)[rng.integers(0, 10, 16)]


def as_tensors(network: Network) -> dict[str, Any]:
    """Copy the parameters into PyTorch."""
    return {name: torch.tensor(p, requires_grad=True) for name, p in parameters(network).items()}


def cost_in_torch(network: Network, tensors: dict[str, Any], x: Array, y: Array, loss: str) -> Any:  # noqa: ANN401 - PyTorch may not be installed
    """Run the network in PyTorch."""
    a = torch.tensor(x)
    for index, layer in enumerate(network):
        z = a @ tensors[f"W{index}"] + tensors[f"b{index}"]
        a = ACTIVATIONS[layer.activation](z, tensors.get(f"slope{index}"))
    return COSTS[loss](z if loss == "cross_entropy" else a, torch.tensor(y))


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_equal_pytorchs(hidden: str, loss: str) -> None:
    """Every gradient that PyTorch can compute equals ours, for each loss with an output of its own."""
    network, x, y = problem(hidden, "softmax" if loss == "cross_entropy" else "tanh")
    tensors = as_tensors(network)
    cost_in_torch(network, tensors, x, y, loss).backward()
    for name, gradient in backward(network, forward(network, x), y, LOSSES[loss]).items():
        np.testing.assert_allclose(gradient, tensors[name].grad.numpy(), atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_equal_pytorchs(name: str, weight_decay: float) -> None:
    """Three steps of each optimizer, with and without decoupled decay, end where PyTorch's do."""
    network, x, y = problem("relu", "softmax")
    named, optimizer = parameters(network), OPTIMIZERS[name](0.9)
    tensors = as_tensors(network)
    other = STEPS[name](list(tensors.values()))
    for _ in range(3):
        gradients = backward(network, forward(network, x), y, LOSSES["cross_entropy"])
        decay_weights(named, 0.05, weight_decay)
        optimizer.step(named, gradients, 0.05)
        other.zero_grad()
        cost_in_torch(network, tensors, x, y, "cross_entropy").backward()
        with torch.no_grad():
            for key in ("W0", "W1"):
                tensors[key] *= 1 - 0.05 * weight_decay
        other.step()
        for key, p in named.items():
            np.testing.assert_allclose(p, tensors[key].detach().numpy(), atol=TOLERANCE, err_msg=key)


def test_decoupled_decay_is_adamws() -> None:
    """Adam after decay_weights is PyTorch's AdamW."""
    network, x, y = problem("relu", "softmax")
    named, optimizer = {"W0": parameters(network)["W0"]}, OPTIMIZERS["adam"](0.9)
    tensors = as_tensors(network)
    gradient = backward(network, forward(network, x), y, LOSSES["cross_entropy"])
    cost_in_torch(network, tensors, x, y, "cross_entropy").backward()
    torch.optim.AdamW([tensors["W0"]], lr=0.05, weight_decay=0.1).step()
    decay_weights(named, 0.05, 0.1)
    optimizer.step(named, gradient, 0.05)
    np.testing.assert_allclose(named["W0"], tensors["W0"].detach().numpy(), atol=TOLERANCE)
