"""Writes the reference numbers that test_oracle.py compares ours with, computed by PyTorch alone.

    python -m tests.training.oracle.pytorch    with PyTorch 2.13.0; writes tests/data/oracle.npz

A network 20-12-10 and a batch of 16 examples, all float32, are stored with PyTorch's results for them:

    z, upstream                         inputs of the activations (16, 10)
    a.ACTIVATION, delta.ACTIVATION      the activation of z, and upstream times its derivative
    W0, b0, slope0, W1, b1, x, y        network and batch; slope0 is for prelu alone
    losses.HIDDEN.LOSS                  each example's loss (16,), with that activation of the hidden layer
    gradients.HIDDEN.LOSS               of the mean loss with respect to all parameters, as one vector
    steps.OPTIMIZER.DECAY               all parameters after each of three steps (3, parameters)

Vectors of parameters are in the order W0, b0, slope0 (if there is one), W1, b1. The output layer is softmax
for cross-entropy, tanh for the other losses. The steps are those of a relu network with cross-entropy; DECAY
is decoupled weight decay of the weights W.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Numbers = dict[str, npt.NDArray[np.float32]]
FILE = Path(__file__).parents[2] / "data" / "oracle.npz"
N, SIZES = 16, (20, 12, 10)
RATE = 0.05


def sqnl(z: Any) -> Any:  # noqa: ANN401 - PyTorch may not be installed where types are checked
    """Compute the square nonlinearity, which PyTorch lacks, from what it has."""
    c = torch.clamp(z, -2, 2)
    return c - c * torch.abs(c) / 4


ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "identity": lambda z, _: z,
    "sigmoid": lambda z, _: torch.sigmoid(z),
    "tanh": lambda z, _: torch.tanh(z),
    "relu": lambda z, _: torch.relu(z),
    "leaky_relu": lambda z, _: torch.nn.functional.leaky_relu(z, 0.01),
    "prelu": torch.nn.functional.prelu,
    "sqnl": lambda z, _: sqnl(z),
    "arctan": lambda z, _: torch.atan(z),
    "softmax": lambda z, _: torch.softmax(z, dim=1),
}
# Each gives one loss an example, from the output and the target; cross-entropy from the logits.
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mae": lambda y_hat, y: torch.nn.functional.l1_loss(y_hat, y, reduction="none").mean(dim=1),
    "mse": lambda y_hat, y: torch.nn.functional.mse_loss(y_hat, y, reduction="none").mean(dim=1),
    "sse": lambda y_hat, y: torch.nn.functional.mse_loss(y_hat, y, reduction="none").sum(dim=1),
    "hinge": lambda y_hat, y: torch.clamp(1 - (2 * y - 1) * y_hat, min=0).sum(dim=1),
    "cross_entropy": lambda z, y: torch.nn.functional.cross_entropy(z, y, reduction="none"),
}
OPTIMIZERS: dict[str, Callable[[Any, float], Any]] = {
    "gradient_descent": lambda p, _: torch.optim.SGD(p, lr=RATE),
    "momentum": lambda p, _: torch.optim.SGD(p, lr=RATE, momentum=0.9),
    "nesterov": lambda p, _: torch.optim.SGD(p, lr=RATE, momentum=0.9, nesterov=True),
    "adam": lambda p, decay: torch.optim.AdamW(p, lr=RATE, weight_decay=decay),
}
DECAYS = (0.0, 0.1)


def draw_inputs() -> Numbers:
    """Draw the inputs of the activations, the network and the batch."""
    rng = np.random.default_rng(0)
    inputs, hidden, outputs = SIZES
    drawn = {
        "z": rng.normal(0, 2, (N, outputs)),
        "upstream": rng.normal(0, 1, (N, outputs)),
        "W0": rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden)),
        "b0": rng.uniform(-1, 1, hidden),
        "slope0": rng.uniform(0.1, 0.4, hidden),
        "W1": rng.normal(0, np.sqrt(2 / hidden), (hidden, outputs)),
        "b1": rng.uniform(-1, 1, outputs),
        "x": rng.normal(0, 1, (N, inputs)),
        "y": np.eye(outputs)[rng.integers(0, outputs, N)],
    }
    return {name: array.astype(np.float32) for name, array in drawn.items()}


def reference(inputs: Mapping[str, npt.NDArray[np.float32]]) -> Numbers:
    """Return all that PyTorch computes from the inputs, by the names above."""
    numbers: Numbers = {}
    for activation in ACTIVATIONS:
        numbers[f"a.{activation}"], numbers[f"delta.{activation}"] = _activation(activation, inputs)
        for loss in LOSSES:
            parameters = _parameters(inputs, activation)
            losses = _losses(parameters, inputs, activation, loss)
            losses.mean().backward()
            numbers[f"losses.{activation}.{loss}"] = losses.detach().numpy()
            numbers[f"gradients.{activation}.{loss}"] = _vector([p.grad for p in parameters.values()])
    for optimizer in OPTIMIZERS:
        for decay in DECAYS:
            numbers[f"steps.{optimizer}.{decay}"] = _steps(inputs, optimizer, decay)
    return numbers


def _activation(name: str, inputs: Mapping[str, Any]) -> tuple[npt.NDArray[np.float32], ...]:
    z = torch.tensor(inputs["z"], requires_grad=True)
    a = ACTIVATIONS[name](z, torch.tensor(0.25).reshape(1))
    a.backward(torch.tensor(inputs["upstream"]))
    return a.detach().numpy(), z.grad.numpy()


def _parameters(inputs: Mapping[str, Any], hidden: str) -> dict[str, Any]:
    names = ("W0", "b0", *(["slope0"] if hidden == "prelu" else []), "W1", "b1")
    return {name: torch.tensor(inputs[name], requires_grad=True) for name in names}


def _losses(parameters: Mapping[str, Any], inputs: Mapping[str, Any], hidden: str, loss: str) -> Any:  # noqa: ANN401 - a tensor
    x, y = torch.tensor(inputs["x"]), torch.tensor(inputs["y"])
    a = ACTIVATIONS[hidden](x @ parameters["W0"] + parameters["b0"], parameters.get("slope0"))
    z = a @ parameters["W1"] + parameters["b1"]
    return LOSSES[loss](z if loss == "cross_entropy" else torch.tanh(z), y)


def _steps(inputs: Mapping[str, Any], name: str, decay: float) -> npt.NDArray[np.float32]:
    parameters, vectors = _parameters(inputs, "relu"), []
    weights, biases = ([p for n, p in parameters.items() if n[0] == kind] for kind in "Wb")
    optimizers = [OPTIMIZERS[name](weights, decay), OPTIMIZERS[name](biases, 0.0)]
    for _ in range(3):
        for optimizer in optimizers:
            optimizer.zero_grad()
        _losses(parameters, inputs, "relu", "cross_entropy").mean().backward()
        # AdamW decays the weights itself; PyTorch's SGD has no decoupled decay.
        if name != "adam":
            with torch.no_grad():
                for W in weights:
                    W *= 1 - RATE * decay
        for optimizer in optimizers:
            optimizer.step()
        vectors.append(_vector(parameters.values()))
    return np.stack(vectors)


def _vector(tensors: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401 - an iterable of tensors
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).numpy()


def main() -> None:
    """Write the file."""
    inputs = draw_inputs()
    contents: dict[str, Any] = inputs | reference(inputs)
    np.savez_compressed(FILE, allow_pickle=False, **contents)


if __name__ == "__main__":
    main()
