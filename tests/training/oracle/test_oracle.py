"""An independent oracle: our activations, losses, gradients and steps equal PyTorch's.

PyTorch's numbers are committed (pytorch.py wrote them), so that the comparison needs no PyTorch.
"""

import importlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from models.activations import ACTIVATIONS, Array, activate, activate_backward
from models.network import Activity, Network, Parameters, forward, from_parameters, parameters
from tests.needs import skip
from training.backprop import backward
from training.losses import LOSSES
from training.optimizers import OPTIMIZERS, decay_weights

FILE = Path(__file__).parents[2] / "data" / "oracle.npz"
TOLERANCE = 1e-5
RATE = 0.05
with np.load(FILE) as archive:
    ORACLE: dict[str, Array] = dict(archive)


def network_with(hidden: str, output: str) -> Network:
    """Return the oracle's network with these activations, as a copy."""
    names = ("W0", "b0", *(["slope0"] if hidden == "prelu" else []), "W1", "b1")
    return from_parameters({name: ORACLE[name].copy() for name in names}, [hidden, output])


def vector(named: Parameters) -> Array:
    """Return all arrays as one vector, in the oracle's order."""
    ordered = sorted(named, key=lambda name: (name[-1], ["W", "b", "slope"].index(name[:-1])))
    return np.concatenate([named[name].ravel() for name in ordered])


def gradients_of(network: Network, activity: Activity, loss: str) -> Parameters:
    """Return the gradients of the oracle's batch."""
    upstream = LOSSES[loss].cost_gradient(activity, ORACLE["y"])
    return backward(network, activity, upstream, from_logits=LOSSES[loss].takes_logits)


def assert_close(found: Array, name: str) -> None:
    """Assert that float32 numbers are the oracle's of that name."""
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, ORACLE[name], atol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_equal_pytorchs(name: str) -> None:
    """Each activation, and its derivative times upstream, equals PyTorch's."""
    slope = np.full(ORACLE["z"].shape[1], 0.25, np.float32) if name == "prelu" else None
    assert_close(activate(name, ORACLE["z"], slope), f"a.{name}")
    assert_close(activate_backward(name, ORACLE["z"], ORACLE["upstream"], slope), f"delta.{name}")


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_gradients_equal_pytorchs(hidden: str, loss: str) -> None:
    """Each example's loss and every gradient equal PyTorch's, for each activation with each loss."""
    network = network_with(hidden, "softmax" if loss == "cross_entropy" else "tanh")
    activity = forward(network, ORACLE["x"])
    assert_close(LOSSES[loss].losses(activity, ORACLE["y"]), f"losses.{hidden}.{loss}")
    assert_close(vector(gradients_of(network, activity, loss)), f"gradients.{hidden}.{loss}")


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_equal_pytorchs(name: str, weight_decay: float) -> None:
    """Three steps of each optimizer, with and without decoupled decay, give PyTorch's parameters.

    With decay, Adam's are compared with PyTorch's AdamW.
    """
    network = network_with("relu", "softmax")
    named, optimizer, found = parameters(network), OPTIMIZERS[name](0.9), []
    for _ in range(3):
        gradients = gradients_of(network, forward(network, ORACLE["x"]), "cross_entropy")
        decay_weights(named, RATE, weight_decay)
        optimizer.step(named, gradients, RATE)
        found.append(vector(named))
    assert_close(np.stack(found), f"steps.{name}.{weight_decay}")


def test_committed_numbers_are_pytorchs() -> None:
    """Where PyTorch is installed, it computes the committed numbers again from the committed inputs."""
    if find_spec("torch") is None:
        skip("PyTorch is not installed")
    oracle = importlib.import_module("tests.training.oracle.pytorch")
    inputs = {name: array for name, array in ORACLE.items() if "." not in name}
    computed = oracle.reference(inputs)
    assert inputs.keys() | computed.keys() == ORACLE.keys()
    for name, array in computed.items():
        np.testing.assert_allclose(array, ORACLE[name], rtol=1e-5, atol=1e-6, err_msg=name)
