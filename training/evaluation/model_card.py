"""The model card: the metadata of a weights file as a page for people, model_card.md.

Every value on the card comes from the file, so that the two can't disagree. Fields of the metadata that this
program does not know are left out. The form follows Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from dataclasses import fields
from pathlib import Path
from string import Template
from typing import Any

from models.network import layer_sizes
from models.store import Model
from training.recipe import Recipe

CHOICES = [entry.name for entry in fields(Recipe)]
FIGURES = ("error", "ece", "coverage", "abstention")
CARD = Template(Path(__file__).with_name("model_card.md").read_text(encoding="utf-8"))


def card(model: Model) -> str:
    """Return the card of a model, in Markdown."""
    about = model.metadata
    test, validation = about.get("test", {}), about["history"][-1]["validation"]
    images, recipe = about["images"], about["recipe"]
    return CARD.substitute(
        {name: about[name] for name in ("name", "version", "date", "sha256", "temperature")},
        sizes=" – ".join(map(str, layer_sizes(model.network))),
        weights=f"{about['weights']:,}",
        activation=recipe["activation"],
        trained_on=f"{images['train']:,} images, with {images['validation']:,} for validation",
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
