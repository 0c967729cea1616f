"""PyTorch, as its tutorials and its performance tuning guide write it: eager, fused, and with torch.compile.

Inputs are one tensor, gathered by index; gradients are set to None rather than to 0; all cores work.
Eager, the optimizers are as they come; fused, each is one kernel over all parameters. Compiled, they are
fused, too, and the network and its loss are one graph, whose matrix products are tuned for this machine
(max-autotune).
"""

import os
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from benchmarks.training.contestants import (
    LEARNING_RATES,
    MEASURED,
    MOMENTUM,
    SIZES,
    Contestant,
    Unavailable,
    batches,
    timed,
)
from models.preprocessing import preprocess
from training.data.mnist import Examples


def enter_eager(optimizer: str, examples: Examples) -> Contestant:
    """Enter PyTorch as it comes."""
    return _enter(optimizer, examples, lambda function: function, fused=False)


def enter_fused(optimizer: str, examples: Examples) -> Contestant:
    """Enter PyTorch with its fused optimizers."""
    return _enter(optimizer, examples, lambda function: function, fused=True)


def enter_compiled(optimizer: str, examples: Examples) -> Contestant:
    """Enter torch.compile; raises Unavailable where it does not work, as without a C++ compiler."""
    try:
        contestant = _enter(optimizer, examples, partial(torch.compile, mode="max-autotune"), fused=True)
        contestant.run(1)
    except RuntimeError as error:  # the base of all that TorchDynamo and Inductor raise
        reason = str(error).strip().splitlines()[0]
        message = f"torch.compile does not work here: {reason}"
        raise Unavailable(message) from error
    return contestant


def _enter(optimizer: str, examples: Examples, compiled: Callable[[Any], Any], *, fused: bool) -> Contestant:
    torch.manual_seed(1)
    torch.set_num_threads(os.cpu_count() or 1)
    x = torch.from_numpy(preprocess(examples.images))
    y = torch.from_numpy(examples.labels).long()
    network = _network()
    optimize = _optimizer(optimizer, network, fused=fused)
    choose = batches(len(y))

    def cost(x: Any, y: Any) -> Any:  # noqa: ANN401 - torch may be absent where types are checked
        return nn.functional.cross_entropy(network(x), y)

    compiled_cost = compiled(cost)

    def step() -> None:
        chosen = torch.from_numpy(next(choose))
        optimize.zero_grad(set_to_none=True)
        compiled_cost(x.index_select(0, chosen), y.index_select(0, chosen)).backward()
        optimize.step()

    def measured() -> float:
        with torch.no_grad():
            return float(cost(x[:MEASURED], y[:MEASURED]))

    return Contestant(f"PyTorch {torch.__version__}", partial(timed, step), measured)


def _network() -> nn.Sequential:
    """Return the network, its weights drawn as this project and the JAX contestant draw theirs."""
    linear = [nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(SIZES)]
    for layer in linear:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    return nn.Sequential(linear[0], nn.ReLU(), linear[1], nn.ReLU(), linear[2])


def _optimizer(name: str, network: nn.Sequential, *, fused: bool) -> torch.optim.Optimizer:
    learning_rate = LEARNING_RATES[name]
    if name == "adam":
        return torch.optim.Adam(network.parameters(), lr=learning_rate, fused=fused)
    return torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=MOMENTUM, fused=fused)
