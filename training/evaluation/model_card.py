"""The model card: what a weights file says of itself, for people.

Everything in it comes from the metadata of the file, so that the two can't disagree; fields of the metadata
that this program does not know are left out. The form follows Mitchell et al., "Model Cards for Model
Reporting", 2019.
"""

from dataclasses import fields
from string import Template
from typing import Any

from models.network import layer_sizes
from models.store import Model
from training.recipe import Recipe

CHOICES = [entry.name for entry in fields(Recipe)]
FIGURES = ("error", "ece", "coverage", "abstention")
CARD = Template("""# $name $version

Generated from the weights file by `python -m training card`.

## The model

A multi-layer perceptron, $sizes, with $weights weights; hidden layers of $activation, output of softmax.
Trained $date from nothing, by this project's own code, on $trained_on.

SHA-256 of the parameters: `$sha256`

## What it is for

Reading one handwritten digit, 0 to 9, from an image that the service has brought to MNIST's form: light ink
on black, longest side 20 pixels, centre of mass in the middle of 28 × 28. It is not for several digits in one
image, for print, letters or other scripts, nor for decisions about people without a person who looks.

## How good it is

Measured on the 10,000 images of the MNIST test set, to which nothing was fitted:

| figure | value |
| --- | --- |
| error | $error |
| expected calibration error, 15 bins of equal mass | $ece |
| true digit in the prediction set (promised: $set_coverage) | $coverage |
| abstained | $abstention |

On the validation split, after the last epoch: error $validation_error, mean cross-entropy $validation_cost.

## When it abstains

When the digits with a probability of $set_threshold or more are not exactly one, or the evidence for the
likeliest, its logit above the mean of all ten, is less than $evidence_threshold. Both were chosen on the
validation split, at a temperature of $temperature. What is no digit it learned to doubt from random noise,
shapes, strokes and pieces of digits.

## Data

MNIST (LeCun, Cortes, Burges, 1998), CC BY-SA 3.0. SHA-256 of its files:

$data

## Recipe

$recipe
""")


def card(model: Model) -> str:
    """Return the card of a model, in Markdown."""
    about = model.metadata
    test, validation = about.get("test", {}), about["history"][-1]["validation"]
    recipe = about["recipe"]
    return CARD.substitute(
        {name: about[name] for name in ("name", "version", "date", "sha256", "temperature")},
        sizes=" – ".join(map(str, layer_sizes(model.network))),
        weights=f"{about['weights']:,}",
        activation=recipe["activation"],
        trained_on=f"{about['images']['train']:,} images, {about['images']['validation']:,} kept to validate",
        **{figure: f"{test[figure]:.2%}" if test else "not measured" for figure in FIGURES},
        set_coverage=f"{about['set_coverage']:.2%}",
        validation_error=f"{validation['error']:.2%}",
        validation_cost=f"{validation['cost']:.4f}",
        set_threshold=f"{about['set_threshold']:.4f}",
        evidence_threshold=f"{about['evidence_threshold']:.4f}",
        data="\n".join(f"- `{name}` {sha256}" for name, sha256 in about["data_sha256"].items()),
        recipe=_table({name: recipe[name] for name in CHOICES if name in recipe}),
    )


def _table(recipe: dict[str, Any]) -> str:
    rows = [f"| {name} | {_plain(value)} |" for name, value in recipe.items()]
    return "\n".join(["| choice | value |", "| --- | --- |", *rows])


def _plain(value: Any) -> str:  # noqa: ANN401 - whatever a choice may be
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
