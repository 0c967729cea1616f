"""All parameters in one vector."""

import numpy as np

from models.network import parameters
from training.flat import flatten, over, parts
from training.initializers import initialise


def test_vector_and_arrays_are_the_same_memory() -> None:
    """A change of the vector changes the network's arrays, and the other way round; nothing is left out."""
    before = initialise([5, 4, 3], ["prelu", "softmax"], np.random.default_rng(0), biases="uniform")
    vector, network = flatten(before)
    assert vector.size == sum(p.size for p in parameters(before).values())
    for name, p in parameters(network).items():
        np.testing.assert_array_equal(p, parameters(before)[name])
    vector += 1
    for name, p in parameters(network).items():
        np.testing.assert_array_equal(p, parameters(before)[name] + np.float32(1))
        p[...] = 7
    assert (vector == 7).all()


def test_another_vector_in_the_same_form() -> None:
    """Gradients and averages get the names and shapes of the parameters they belong to."""
    _, network = flatten(initialise([5, 4], ["softmax"], np.random.default_rng(0)))
    other = np.arange(24, dtype=np.float32)
    assert {name: part.shape for name, part in parts(other, network).items()} == {"W0": (5, 4), "b0": (4,)}
    np.testing.assert_array_equal(over(other, network)[0].b, [20, 21, 22, 23])
