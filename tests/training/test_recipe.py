"""Recipes: bad values are refused with a sentence."""

from typing import Any

import pytest

from training.recipe import Recipe


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"hidden": (512, 0)}, "hidden must be layer sizes above 0, not \\(512, 0\\)"),
        ({"learning_rate": -0.1}, "learning_rate must be above 0, not -0.1"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ({"batch_size": -1}, "batch_size must be 0 or more"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"momentum": 1.0}, "momentum must be from 0 to below 1"),
        ({"dropout": (0.5, 1.0)}, "dropout must be rates from 0 to below 1"),
        ({"dropout": (0.1, 0.1, 0.1, 0.1)}, "4 rates, but only 3 layers can drop"),
        ({"activation": "swish"}, "activation must be one of identity, sigmoid"),
        ({"optimizer": "lion"}, "optimizer must be one of gradient_descent"),
        ({"schedule": "linear"}, "schedule must be one of constant, step, cosine"),
        ({"weights": "ones"}, "weights must be one of uniform, xavier, he"),
        ({"biases": "ones"}, "biases must be one of zero, uniform"),
        ({"loss": "difference"}, "average to 0"),
        ({"loss": "huber"}, "loss must be one of"),
        ({"output": "tanh"}, "cross_entropy is meant for outputs softmax"),
        ({"loss": "hinge"}, "hinge is meant for"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_bad_choices_end_in_a_sentence(choices: dict[str, Any], words: str) -> None:
    """The error for a bad value names the field and the values that it may have."""
    with pytest.raises(ValueError, match=words):
        Recipe(**choices)


def test_differences_are_named() -> None:
    """The differences of two recipes name the field and both values."""
    assert Recipe().differences(Recipe()) == []
    assert Recipe().differences(Recipe(hidden=(8,), seed=2)) == [
        "hidden is (512, 256), not (8,)",
        "seed is 1, not 2",
    ]


def test_one_activation_a_layer() -> None:
    """All hidden layers have the same activation, the output its own; no hidden layer is possible too."""
    assert Recipe().activations == ["relu", "relu", "softmax"]
    assert Recipe(hidden=()).activations == ["softmax"]
