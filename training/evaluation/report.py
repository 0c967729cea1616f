"""The report on a finished model: one page that needs nothing else, and its figures as PNG files.

In the code's order:

    evaluation, p    what the model makes of examples that chose nothing about it
    plates           the figures with their words, each drawn for light (and print) and for dark
    report.html      all of it: images as base64, styles inline, every text that is put in escaped
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import fields
from html import escape
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from models.activations import Array
from models.network import CLASSES, layer_sizes
from models.store import Model
from training.data import Examples
from training.evaluation import figures
from training.evaluation.evaluate import BINS, Evaluation, decisions, evaluate
from training.evaluation.figures import DARK, LIGHT, Theme, worst_mistakes
from training.history import Epoch, Measure, best_epoch
from training.recipe import Recipe

PAGE = Template(Path(__file__).with_name("report_page.html").read_text(encoding="utf-8"))
# The metadata that the last table shows, in its order.
FILE_FIELDS = (
    *("format_version", "name", "version", "date", "weights", "activations", "images", "sha256"),
    *("temperature", "set_threshold", "set_coverage", "evidence_threshold", "baseline", "test"),
)
MEANINGS = {entry.name: entry.metadata["help"] for entry in fields(Recipe)}


class Plate(NamedTuple):
    """A figure, the name of its file, and its words; alt tells those who can't see it what it shows."""

    name: str
    title: str
    caption: str
    alt: str
    draw: Callable[[Theme], Figure]


def write_report(model: Model, examples: Examples, folder: Path) -> Path:
    """Write report.html and each figure as a PNG into folder, and return the page's path.

    examples are the test split: those that chose nothing about the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    evaluation, p = evaluate(model, examples), decisions(model, examples).p
    sections = []
    for plate in [*_curves(model), *_plates(model, examples, evaluation, p)]:
        light, dark = (figures.png(plate.draw(theme)) for theme in (LIGHT, DARK))
        (folder / f"{plate.name}.png").write_bytes(light)
        sections.append(_figure(plate, light, dark))
    page = folder / "report.html"
    page.write_text(_page(model, evaluation, sections), encoding="utf-8")
    return page


def _page(model: Model, evaluation: Evaluation, sections: Iterable[str]) -> str:
    about = model.metadata
    chosen = about.get("recipe", {})
    recipe = [(name, _plain(chosen[name]), text) for name, text in MEANINGS.items() if name in chosen]
    return PAGE.substitute(
        title=escape(f"{about['name']} {about['version']}"),
        summary=escape(_summary(model, evaluation)),
        tiles="".join(_tile(*words) for words in _headlines(evaluation, about)),
        figures="".join(sections),
        digits=_table(("Digit", "Images", "Read rightly", "Precision", "Recall"), _by_digit(evaluation)),
        recipe=_table(("Choice", "Value", "Meaning"), recipe),
        file=_table(("Field", "Value"), _file(about)),
    )


def _summary(model: Model, evaluation: Evaluation) -> str:
    sizes = " – ".join(str(size) for size in layer_sizes(model.network))
    date = f", trained on {model.metadata['date']}" if "date" in model.metadata else ""
    n = evaluation.confusion.sum()
    return f"A multi-layer perceptron, {sizes}{date}. Measured on {n:,} images that chose nothing about it."


def _headlines(evaluation: Evaluation, about: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and definition of each headline figure."""
    n, right = evaluation.confusion.sum(), evaluation.confusion.trace()
    threshold = f"{about['set_threshold']:.4f}"
    meant = f", chosen for a coverage of {_percent(about['set_coverage'])}" if "set_coverage" in about else ""
    error = f"Images whose likeliest digit is not the true one: {n - right:,} of {n:,}."
    ece = (
        "Mean distance between confidence and the share read rightly, over "
        f"{BINS} groups of equally many images, ordered by confidence (ECE)."
    )
    coverage = (
        "Images whose true digit is in the prediction set: "
        f"all digits with a probability of {threshold} or more{meant}."
    )
    abstention = "Images whose prediction set is not a single digit: the answer is marked as unsure."
    return [
        ("Error", _percent(evaluation.error), error),
        ("Calibration error", _percent(evaluation.ece), ece),
        ("Coverage", _percent(evaluation.coverage), coverage),
        ("Abstention", _percent(evaluation.abstention), abstention),
    ]


def _by_digit(evaluation: Evaluation) -> list[tuple[str, ...]]:
    counts, right = evaluation.confusion.sum(axis=1), evaluation.confusion.diagonal()
    shares = zip(evaluation.precision, evaluation.recall, strict=True)
    return [
        (str(digit), f"{counts[digit]:,}", f"{right[digit]:,}", _percent(precision), _percent(recall))
        for digit, (precision, recall) in enumerate(shares)
    ]


def _file(about: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the fields of the metadata that no other section shows, and that this program knows."""
    shown = {name: about[name] for name in FILE_FIELDS if name in about}
    sources = {f"SHA-256 of {name}": value for name, value in about.get("data_sha256", {}).items()}
    return [(name.replace("_", " "), _plain(value)) for name, value in (shown | sources).items()]


def _curves(model: Model) -> list[Plate]:
    """Return the learning curves, for a model that remembers its training."""
    history = [
        Epoch(Measure(**epoch["train"]), Measure(**epoch["validation"]))
        for epoch in model.metadata.get("history", [])
    ]
    if not history:
        return []
    validation, train = [epoch.validation for epoch in history], [epoch.train for epoch in history]
    alt = (
        f"Curves over {len(history)} epochs, from the first to the last. "
        f"Validation cost: {validation[0].cost:.3f} to {validation[-1].cost:.3f}, "
        f"lowest at epoch {1 + best_epoch(history)}; "
        f"training cost: {train[0].cost:.3f} to {train[-1].cost:.3f}. "
        f"Validation error: {_percent(validation[0].error)} to {_percent(validation[-1].error)}; "
        f"training error: {_percent(train[0].error)} to {_percent(train[-1].error)}."
    )
    caption = (
        "Cost and error after each epoch, both measured on images as they are and with all neurons, whatever "
        "deformation and dropout did in training. The shaded gap is how much better the network knows the "
        "images that it learned from."
    )
    return [
        Plate(
            "curves",
            "Learning curves",
            caption,
            alt,
            lambda theme: figures.learning_curves({"": history}, theme),
        )
    ]


def _plates(model: Model, examples: Examples, evaluation: Evaluation, p: Array) -> list[Plate]:
    off = evaluation.confusion * ~np.eye(CLASSES, dtype=bool)
    true, read = np.unravel_index(off.argmax(), off.shape)
    worst = ", ".join(
        f"{examples.labels[i]} read as {p[i].argmax()}" for i in worst_mistakes(p, examples.labels)
    )
    W = model.network[0].W
    poor, missed = np.nanargmin(evaluation.precision), np.nanargmin(evaluation.recall)
    return [
        Plate(
            "confusion",
            "Which digits are taken for which",
            "Rows are true digits, columns what they were read as. Colour counts mistakes alone.",
            f"Matrix of true against read digits. {off.sum():,} images lie off the diagonal; the largest "
            f"count there is {off.max():,}: {true} read as {read}.",
            lambda theme: figures.confusion_matrix(evaluation.confusion, theme),
        ),
        Plate(
            "mistakes",
            "The worst mistakes",
            "The wrong answers that were given with most confidence, and that confidence.",
            f"Images of digits read wrongly: {worst or 'none'}.",
            lambda theme: figures.mistakes(examples, p, theme),
        ),
        Plate(
            "weights",
            "What the first layer looks for",
            "The weights of the first layer's neurons as images, those of the largest norm first. Ink that "
            "falls on red excites the neuron, on blue it inhibits.",
            f"A grid of small images, one for each of up to 64 of the first layer's {W.shape[1]} neurons.",
            lambda theme: figures.first_layer_weights(W, theme),
        ),
        Plate(
            "precision_recall",
            "Precision and recall by digit",
            "Precision: of the images read as a digit, the share that are it. Recall: of the images of a "
            "digit, the share that are read as it. Bars hang from 100 %: their length is what is lacking.",
            f"Bars for each digit. Lowest precision: {poor}, {_percent(evaluation.precision[poor])}. "
            f"Lowest recall: {missed}, {_percent(evaluation.recall[missed])}.",
            lambda theme: figures.precision_recall(evaluation, theme),
        ),
    ]


def _tile(name: str, value: str, definition: str) -> str:
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd><dd>{escape(definition)}</dd></div>\n"


def _figure(plate: Plate, light: bytes, dark: bytes) -> str:
    return (
        f"<section><h2>{escape(plate.title)}</h2>\n<figure><picture>"
        f'<source srcset="{_data_uri(dark)}" media="screen and (prefers-color-scheme: dark)">'
        f'<img src="{_data_uri(light)}" alt="{escape(plate.alt)}"></picture>'
        f"<figcaption>{escape(plate.caption)}</figcaption></figure></section>\n"
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(_row(*row) for row in rows)
    return f"<table><thead><tr>{columns}</tr></thead>\n<tbody>{body}</tbody></table>"


def _row(first: str, *rest: str) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
    return f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>\n'


def _data_uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def _percent(share: float) -> str:
    r"""Write a share in percent; NaN, where there was nothing to share, as a dash.

    >>> _percent(0.0077), _percent(float("nan"))
    ('0.77\xa0%', '–')
    """
    return "–" if np.isnan(share) else f"{100 * share:.2f}\u00a0%"


def _plain(value: object) -> str:
    """Write a value of the metadata as a reader would.

    >>> _plain([512, 256]), _plain([]), _plain(True), _plain({"error": 0.5})
    ('512, 256', 'none', 'on', 'error 0.5')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(part) for part in value) or "none"
    return str(value)
