"""The report: one self-contained page with all figures, in which inserted texts are escaped."""

import base64
import io
import re
from dataclasses import asdict
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from models.store import Model
from training.data.mnist import Examples
from training.evaluation import figures
from training.evaluation.evaluate import Evaluation, evaluate
from training.evaluation.report import write_report
from training.history import Epoch, Measure
from training.initializers import initialise
from training.recipe import Recipe

# One process writes the report that all these tests read.
pytestmark = pytest.mark.xdist_group("report")
HOSTILE = """<script>alert("1")</script> & 'co' $style <img src=x>"""
FIGURES = ("curves", "confusion", "mistakes", "weights", "precision_recall")
VOID = ("meta", "img", "source", "br")
HISTORY = [
    {"train": {"cost": 0.5, "error": 0.2}, "validation": {"cost": 0.6, "error": 0.25}},
    {"train": {"cost": 0.3, "error": 0.1}, "validation": {"cost": 0.4, "error": 0.15}},
    {"train": {"cost": 0.2, "error": 0.05}, "validation": {"cost": 0.45, "error": 0.16}},
]


class Page(HTMLParser):
    """A parsed page: its tags with attributes, the text of each kind of tag, and what was left open."""

    def __init__(self, path: Path) -> None:
        """Parse the file at path."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag that was opened last, which must be this one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember the text under the innermost tag."""
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def untrained(**metadata: object) -> Model:
    """Return a small model with random weights, which makes mistakes."""
    network = initialise([784, 12, 10], ["relu", "softmax"], np.random.default_rng(1))
    required = {"name": "digits", "version": "1.0", "temperature": 1.0, "set_threshold": 0.05}
    required["evidence_threshold"] = 0.5
    return Model(network, required | metadata)


MODEL = untrained(
    name=HOSTILE,
    version="<b>2</b>",
    date="<u>today</u>",
    set_coverage=0.999,
    history=HISTORY,
    recipe=asdict(Recipe(hidden=(12,), dropout=(0.2, 0.5))) | {"loss": HOSTILE, "another_versions_choice": 1},
    another_versions_field=2,
    data_sha256={"<i>images</i>": "ab" * 32},
)


@pytest.fixture(scope="module")
def path(mnist_500: Examples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one report with hostile texts for all tests, into a folder that is not there yet."""
    return write_report(MODEL, mnist_500, tmp_path_factory.mktemp("report") / "a" / "b")


@pytest.fixture(scope="module")
def page(path: Path) -> Page:
    """Return the report, parsed."""
    return Page(path)


def test_nothing_outside_is_referred_to(page: Page) -> None:
    """Everything that a browser would load is a data: address; there are no scripts and no outside links."""
    references = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "srcset", "href", "action", "data", "poster", "background", "style")
    ]
    assert len(references) == 2 * len(FIGURES)
    assert all(reference is not None and reference.startswith("data:") for reference in references)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "embed", "base"})
    assert not re.search(r"url\(|@import|https?:", "".join(page.text["style"]))


def test_hostile_texts_stay_text(page: Page) -> None:
    """A name, version, date, recipe or file name with HTML tags is shown as text and has no effect."""
    assert "".join(page.text["h1"]) == "".join(page.text["title"]) == f"{HOSTILE} <b>2</b>"
    assert "trained on <u>today</u>" in "".join(page.text["p"])
    assert HOSTILE in page.text["td"]
    assert "SHA-256 of <i>images</i>" in page.text["th"]
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "b", "i", "u"})
    assert len(page.named("img")) == len(FIGURES)


def test_page_is_well_formed_and_says_what_it_is(page: Page) -> None:
    """Every opened tag is closed, in order; language and encoding are given, and there is one h1."""
    assert page.open == []
    assert page.named("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in page.named("meta")
    assert any(attributes.get("name") == "viewport" for attributes in page.named("meta"))
    assert len(page.named("h1")) == 1
    assert all("scope" in attributes for attributes in page.named("th"))


def test_every_image_is_a_png_told_in_words(page: Page) -> None:
    """Each figure is there for light and for dark, both valid PNGs, with an alternative text."""
    for attributes in page.named("img"):
        assert len(attributes["alt"] or "") > 40
    for reference in [a["src"] for a in page.named("img")] + [a["srcset"] for a in page.named("source")]:
        assert reference is not None
        kind, _, content = reference.partition(",")
        assert kind == "data:image/png;base64"
        assert brightness(base64.b64decode(content)) is not None
    light = [brightness(base64.b64decode((a["src"] or "").partition(",")[2])) for a in page.named("img")]
    dark = [brightness(base64.b64decode((a["srcset"] or "").partition(",")[2])) for a in page.named("source")]
    assert min(light) > 200
    assert max(dark) < 50


def brightness(png: bytes) -> float:
    """Return the grey value, 0 to 255, of the top left corner of a PNG, read in full."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        corner = image.convert("L").getpixel((0, 0))
    assert isinstance(corner, int)
    return corner


def test_figures_lie_beside_the_page(path: Path) -> None:
    """The folder has the page and each of its figures as a PNG, and nothing else."""
    assert {file.name for file in path.parent.iterdir()} == {"report.html", *(f"{f}.png" for f in FIGURES)}
    for name in FIGURES:
        content = (path.parent / f"{name}.png").read_bytes()
        assert brightness(content) > 200
        assert base64.b64encode(content).decode() in path.read_text(encoding="utf-8")


def test_figures_of_the_evaluation_are_shown(page: Page, mnist_500: Examples) -> None:
    """The headline shows error, calibration error, coverage and abstention as evaluate gives them."""
    evaluation = evaluate(MODEL, mnist_500)
    shown = [float(text.removesuffix("\u00a0%")) / 100 for text in page.text["dd"][::2]]
    expected = [evaluation.error, evaluation.ece, evaluation.coverage, evaluation.abstention]
    assert page.text["dt"] == ["Error", "Calibration error", "Coverage", "Abstention"]
    assert shown == pytest.approx(expected, abs=0.00006)
    assert f"{round(500 * evaluation.error)} of 500" in page.text["dd"][1]
    assert "99.90\u00a0%" in page.text["dd"][5]


def test_recipe_is_shown_whole(page: Page) -> None:
    """Each choice of the recipe has a row with value and meaning; fields of other versions are left out."""
    for name in asdict(Recipe()):
        assert name in page.text["th"]
    assert "another_versions_choice" not in page.text["th"]
    assert "another versions field" not in page.text["th"]
    assert {"12", "0.2, 0.5", "on", "nesterov", "Passes over the training images."} <= set(page.text["td"])


def test_a_model_that_remembers_no_training_has_a_report_too(mnist_500: Examples, tmp_path: Path) -> None:
    """With the required metadata alone the learning curves are left out, and nothing else."""
    page = Page(write_report(untrained(), mnist_500, tmp_path))
    assert len(page.named("img")) == len(FIGURES) - 1
    assert not (tmp_path / "curves.png").exists()


def test_the_same_figure_gives_the_same_bytes() -> None:
    """A figure drawn twice gives the same bytes, so that two reports can be compared."""
    first, second = (figures.png(figures.confusion_matrix(np.eye(10, dtype=int))) for _ in range(2))
    assert first == second


def test_curves_show_every_value_and_mark_the_best_epoch() -> None:
    """Every measured value is drawn within the axes of its column; the mark is at the lowest cost."""
    history = [Epoch(Measure(**epoch["train"]), Measure(**epoch["validation"])) for epoch in HISTORY]
    worse = [Epoch(Measure(9.0, 0.8), Measure(8.0, 0.9)), *history]
    figure = figures.learning_curves({"one": history, "other": worse})
    panels = product(("cost", "error"), (history, worse))
    for axes, (quantity, column) in zip(figure.axes, panels, strict=True):
        lines = {line.get_label(): np.asarray(line.get_ydata(), float).tolist() for line in axes.lines}
        assert lines["training"] == [getattr(epoch.train, quantity) for epoch in column]
        assert lines["validation"] == [getattr(epoch.validation, quantity) for epoch in column]
        bottom, top = axes.get_ylim()
        assert bottom == 0
        assert top >= max(lines["training"] + lines["validation"])
    assert "lowest validation cost, epoch 2" in legend(figure, 0)
    assert "lowest validation cost, epoch 3" in legend(figure, 1)


def legend(figure: Figure, axes: int) -> list[str]:
    """Return the texts of the legend."""
    found = figure.axes[axes].get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def test_confusion_colours_mistakes_alone() -> None:
    """The scale of colours is that of the mistakes, however large the diagonal; every count is legible."""
    confusion = np.diag(np.full(10, 100_000))
    confusion[4, 9] = 7
    axes = figures.confusion_matrix(confusion).axes[0]
    drawn = axes.images[0]
    array = np.ma.masked_invalid(np.asarray(drawn.get_array(), float))
    assert drawn.get_clim()[0] == 0
    assert 7 <= drawn.get_clim()[1] < 20
    assert array.max() == 7
    words = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert (words[4, 9], words[3, 3], words[9, 4]) == ("7", "100000", "·")


def test_worst_mistakes_are_shown_with_both_digits(mnist_500: Examples) -> None:
    """The wrong answers with the highest confidence come first, each with both digits and confidence."""
    p = np.full((500, 10), 0.0)
    p[np.arange(500), mnist_500.labels] = 1
    for index, confidence in ((10, 0.6), (20, 0.99999), (30, 0.8)):
        p[index] = 0
        p[index, (mnist_500.labels[index] + 1) % 10] = confidence
    axes = figures.mistakes(mnist_500, p).axes
    digits = [int(mnist_500.labels[index]) for index in (20, 30, 10)]
    expected = [
        f"{digit} read as {(digit + 1) % 10}\n{confidence}"
        for digit, confidence in zip(digits, ("> 99.9 %", "80.0 %", "60.0 %"), strict=True)
    ]
    assert [a.get_title() for a in axes[:3]] == expected
    assert np.array_equal(np.asarray(axes[0].images[0].get_array()), mnist_500.images[20])
    assert not any(a.images for a in axes[3:])


def test_a_perfect_reader_has_a_report_too(mnist_500: Examples) -> None:
    """Every figure can be drawn without mistakes, and with digits of which there are no images."""
    p = np.eye(10)[mnist_500.labels]
    perfect = Evaluation(0.0, 0.0, 1.0, 0.0, np.diag([50] * 9 + [0]))
    for figure in (
        figures.mistakes(mnist_500, p),
        figures.confusion_matrix(perfect.confusion),
        figures.precision_recall(perfect),
    ):
        assert brightness(figures.png(figure)) > 200


def test_bars_are_as_long_as_what_is_lacking() -> None:
    """Each bar of precision and recall goes from 100 % down to its value."""
    confusion = np.diag([8] * 10)
    confusion[3, 5] = 2
    evaluation = Evaluation(0.02, 0.0, 1.0, 0.0, confusion)
    axes = figures.precision_recall(evaluation).axes[0]
    ends = [bar.get_y() + bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)]
    assert ends == pytest.approx([*evaluation.precision, *evaluation.recall])
    assert (evaluation.precision[5], evaluation.recall[3]) == (0.8, 0.8)
    assert axes.get_ylim()[0] < 0.8
    assert axes.get_ylim()[1] == 1


@pytest.mark.parametrize("neurons", [1, 12, 100])
def test_weights_are_ordered_by_norm_on_one_scale(neurons: int) -> None:
    """The neuron of the largest norm is first, at most 64 are shown, and 0 is the middle of the scale."""
    W = np.random.default_rng(1).normal(0, 0.1, (784, neurons))
    W[:, -1] *= 3
    drawn = figures.first_layer_weights(W).axes[0].images[0]
    picture = np.ma.masked_invalid(np.asarray(drawn.get_array(), float))
    assert np.array_equal(picture[:28, :28], W[:, -1].reshape(28, 28))
    assert picture.count() == 784 * min(neurons, 64)
    low, high = drawn.get_clim()
    assert low == -high < 0
