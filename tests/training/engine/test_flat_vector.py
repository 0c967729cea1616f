"""All parameters in one vector."""

import numpy as np

from models.network import parameters
from training.engine.flat_vector import flatten, views
from training.initializers import initialise


def test_vector_and_arrays_are_the_same_memory() -> None:
    """To change the vector is to change its views, and the reverse; every parameter is in it."""
    before = parameters(
        initialise([5, 4, 3], ["prelu", "softmax"], np.random.default_rng(0), biases="uniform")
    )
    vector, named = flatten(before)
    assert vector.size == sum(p.size for p in before.values())
    for name, p in named.items():
        np.testing.assert_array_equal(p, before[name])
    vector += 1
    for name, p in named.items():
        np.testing.assert_array_equal(p, before[name] + np.float32(1))
        p[...] = 7
    assert (vector == 7).all()


def test_another_vector_in_the_same_form() -> None:
    """Views of another vector have the names and shapes of the parameters."""
    named = parameters(initialise([5, 4], ["softmax"], np.random.default_rng(0)))
    other = views(np.arange(24, dtype=np.float32), named)
    assert {name: part.shape for name, part in other.items()} == {"W0": (5, 4), "b0": (4,)}
    np.testing.assert_array_equal(other["b0"], [20, 21, 22, 23])
