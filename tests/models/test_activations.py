"""Each activation's values and derivative."""

import numpy as np
import pytest

from models.activations import (
    ACTIVATIONS,
    ELEMENTWISE,
    activate,
    prelu,
    prelu_derivative,
    prelu_slope_derivative,
    softmax,
    softmax_backward,
)

# Away from the kinks at 0 and ±2.
Z = np.array([-3.1, -1.7, -0.4, 0.3, 1.2, 2.6])
EPSILON = 1e-6


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivative_is_the_slope(name: str) -> None:
    """The derivative beneath each function is the slope of that function."""
    function, derivative = ELEMENTWISE[name]
    slope = (function(Z + EPSILON) - function(Z - EPSILON)) / (2 * EPSILON)
    np.testing.assert_allclose(derivative(Z), slope, rtol=1e-7, atol=1e-9)


def test_prelu_has_two_derivatives() -> None:
    """The derivatives of prelu with respect to z and to its slope equal finite differences."""
    a = np.full(6, 0.25)
    by_z = (prelu(Z + EPSILON, a) - prelu(Z - EPSILON, a)) / (2 * EPSILON)
    by_slope = (prelu(Z, a + EPSILON) - prelu(Z, a - EPSILON)) / (2 * EPSILON)
    np.testing.assert_allclose(prelu_derivative(Z, a), by_z, atol=1e-9)
    np.testing.assert_allclose(prelu_slope_derivative(Z), by_slope, atol=1e-9)


def test_softmax_backward_is_the_jacobian() -> None:
    """softmax_backward equals the product with the full Jacobian matrix."""
    z, upstream = Z.reshape(1, -1), np.arange(6.0).reshape(1, -1)
    a = softmax(z)[0]
    jacobian = np.diag(a) - np.outer(a, a)
    np.testing.assert_allclose(softmax_backward(z, upstream)[0], jacobian @ upstream[0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_extremes_stay_finite_and_float32(name: str) -> None:
    """No activation overflows, warns or changes float32 to another type."""
    z = np.array([[-1e4, -1.0, 0.0, 1.0, 1e4]], np.float32)
    slope = np.full(5, 0.25, np.float32) if name == "prelu" else None
    a = activate(name, z, slope)
    assert a.dtype == np.float32
    assert np.isfinite(a).all()


def test_known_values() -> None:
    """Values of each activation are those in reference tables."""
    for name, z, expected in [
        ("sigmoid", 0.0, 0.5),
        ("tanh", 1.0, 0.7615941559557649),
        ("leaky_relu", -2.0, -0.02),
        ("sqnl", 1.0, 0.75),
        ("arctan", 1.0, np.pi / 4),
        ("relu", -1.0, 0.0),
        ("identity", -1.5, -1.5),
    ]:
        assert activate(name, np.array([[z]]))[0, 0] == pytest.approx(expected)
