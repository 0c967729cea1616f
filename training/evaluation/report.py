"""The report on a finished model: one self-contained HTML page, and its figures as PNG files.

evaluation, p    the figures of the model on the test split, and its probabilities
plates           the figures with their texts, each drawn for light (and print) and for dark
report.html      the page: images as base64, styles inline, all inserted texts escaped
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import partial
from html import escape
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from models.activations import Array
from models.network import CLASSES, layer_sizes
from models.store import Model
from training.data.mnist import Examples
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
    """A figure with its file name, title, caption, and alt, the description for those who can't see it."""

    name: str
    title: str
    caption: str
    alt: str
    draw: Callable[[Theme], Figure]


def write_report(model: Model, examples: Examples, folder: Path) -> Path:
    """Write report.html and a PNG of each figure into folder, and return the path of the page.

    examples are the test split, which was not used to train or to choose the model.
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
    return f"A multi-layer perceptron, {sizes}{date}. Measured on {n:,} images of the test set."


def _headlines(evaluation: Evaluation, about: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the name, value and definition of each headline figure."""
    n, right = evaluation.confusion.sum(), evaluation.confusion.trace()
    threshold = f"{about['set_threshold']:.4f}"
    meant = f", chosen for a coverage of {_percent(about['set_coverage'])}" if "set_coverage" in about else ""
    error = f"Images whose most probable digit is not the true one: {n - right:,} of {n:,}."
    ece = (
        "Mean distance between confidence and accuracy, over "
        f"{BINS} groups of equal size, ordered by confidence (ECE)."
    )
    coverage = (
        "Images whose true digit is in the prediction set: "
        f"all digits with a probability of {threshold} or more{meant}."
    )
    abstention = "Images with a prediction set that is not a single digit, or with too little evidence."
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
    """Return the learning curves, if the metadata has the history of the training."""
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
        "Cost and error after each epoch, measured without deformation and with all neurons. The shaded gap "
        "is the difference between images that the network was not trained on and those that it was."
    )
    draw = partial(figures.learning_curves, {"": history})
    return [Plate("curves", "Learning curves", caption, alt, draw)]


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
            "Confusion matrix",
            "Rows are true digits, columns are the digits they were read as. Colours show mistakes only.",
            f"Matrix of true against read digits. {off.sum():,} images lie off the diagonal; the largest "
            f"count there is {off.max():,}: {true} read as {read}.",
            partial(figures.confusion_matrix, evaluation.confusion),
        ),
        Plate(
            "mistakes",
            "The worst mistakes",
            "The wrong answers with the highest confidence.",
            f"Images of digits read wrongly: {worst or 'none'}.",
            partial(figures.mistakes, examples, p),
        ),
        Plate(
            "weights",
            "Weights of the first layer",
            "The weights of neurons in the first layer as images, those of the largest norm first. Ink on "
            "red raises the weighted sum of the neuron, ink on blue lowers it.",
            f"A grid of small images, one for each of up to 64 of the first layer's {W.shape[1]} neurons.",
            partial(figures.first_layer_weights, W),
        ),
        Plate(
            "precision_recall",
            "Precision and recall by digit",
            "Precision: the share of the images read as a digit that are this digit. Recall: the share of "
            "the images of a digit that are read as this digit. A bar's length is the distance to 100 %.",
            f"Bars for each digit. Lowest precision: {poor}, {_percent(evaluation.precision[poor])}. "
            f"Lowest recall: {missed}, {_percent(evaluation.recall[missed])}.",
            partial(figures.precision_recall, evaluation),
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
    r"""Write a share in percent; NaN, a share of no images, as a dash.

    >>> _percent(0.0077), _percent(float("nan"))
    ('0.77\xa0%', '–')
    """
    return "–" if np.isnan(share) else f"{100 * share:.2f}\u00a0%"


def _plain(value: object) -> str:
    """Write a value of the metadata for a reader.

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
