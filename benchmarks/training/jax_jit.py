"""JAX, as its tutorials write it: the whole step is one jitted function of what it changes.

Parameters and the optimizer's state are donated, so that XLA writes the new ones over the old. XLA uses
all cores by itself. Steps are dispatched ahead of their results; a run ends when the last has arrived.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.training.contestants import (
    LEARNING_RATES,
    MEASURED,
    MOMENTUM,
    SIZES,
    Contestant,
    batches,
    timed,
)
from models.preprocessing import preprocess
from training.data.mnist import Examples

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

# JAX's own name for arrays in lists, tuples and dicts.
Tree = Any
Update = Callable[[Tree, Tree, Tree], tuple[Tree, Tree]]


def enter_jit(optimizer: str, examples: Examples) -> Contestant:
    """Draw the parameters and jit the step."""
    x = jnp.asarray(preprocess(examples.images))
    y = jnp.asarray(examples.labels.astype(np.int32))
    choose = batches(len(y))
    update, begin = {"momentum": (_momentum, _zeros), "adam": (_adam, _adam_state)}[optimizer]
    take_step = jax.jit(partial(_take_step, update), donate_argnums=(0, 1))
    parameters = _initialise()
    state = begin(parameters)

    def step() -> None:
        nonlocal parameters, state
        parameters, state = take_step(parameters, state, (x, y), next(choose))

    return Contestant(
        f"JAX {jax.__version__}",
        partial(timed, step, finish=lambda: jax.block_until_ready((parameters, state))),
        lambda: float(_cost(parameters, x[:MEASURED], y[:MEASURED])),
    )


def _initialise() -> Tree:
    rng = np.random.default_rng(1)
    return [
        (
            jnp.asarray(rng.standard_normal((fan_in, fan_out), np.float32) * np.float32((2 / fan_in) ** 0.5)),
            jnp.zeros(fan_out, jnp.float32),
        )
        for fan_in, fan_out in pairwise(SIZES)
    ]


def _cost(parameters: Tree, x: Tree, y: Tree) -> Tree:
    *hidden, (W, b) = parameters
    for V, c in hidden:
        x = jax.nn.relu(x @ V + c)
    log_p = jax.nn.log_softmax(x @ W + b)
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def _take_step(
    update: Update, parameters: Tree, state: Tree, examples: Tree, chosen: Tree
) -> tuple[Tree, Tree]:
    x, y = examples
    gradients = jax.grad(_cost)(parameters, x[chosen], y[chosen])
    return update(parameters, state, gradients)


def _zeros(parameters: Tree) -> Tree:
    return jax.tree.map(jnp.zeros_like, parameters)


def _momentum(parameters: Tree, velocity: Tree, gradients: Tree) -> tuple[Tree, Tree]:
    rate = LEARNING_RATES["momentum"]
    velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradients)
    return jax.tree.map(lambda p, v: p - rate * v, parameters, velocity), velocity


def _adam_state(parameters: Tree) -> Tree:
    return jnp.zeros((), jnp.float32), _zeros(parameters), _zeros(parameters)


def _adam(parameters: Tree, state: Tree, gradients: Tree) -> tuple[Tree, Tree]:
    t, u, v = state
    t = t + 1
    u = jax.tree.map(lambda u, g: BETA1 * u + (1 - BETA1) * g, u, gradients)
    v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, gradients)
    rate, correction = LEARNING_RATES["adam"] / (1 - BETA1**t), 1 - BETA2**t
    moved = jax.tree.map(
        lambda p, u, v: p - rate * u / (jnp.sqrt(v / correction) + EPSILON), parameters, u, v
    )
    return moved, (t, u, v)
