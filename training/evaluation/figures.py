"""The figures of the report: each function turns measurements into a matplotlib Figure.

The functions share no state: they use neither pyplot nor matplotlib's settings. The theme, light or dark, is
an argument, so that a page can have each figure in both and show the right one. Sizes are in inches, and
such that the labels can be read when a phone shows a figure across its screen.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from models.activations import Array
from models.network import CLASSES
from training.data.mnist import Examples, Labels
from training.evaluation.evaluate import Evaluation
from training.history import Epoch, best_epoch

WIDTH_INCHES = 5.6
DOTS_PER_INCH = 160
MISTAKES = 20
MISTAKES_A_ROW = 5
NEURONS_A_ROW = 8
SHOWN_SHARE = 0.999
SIDE = 28
# The darkest cell of the confusion matrix has this share of the full colour, so that its count is readable.
TINT = 0.55


class Theme(NamedTuple):
    """The colours of a figure, as matplotlib names them; first and second are for a pair of quantities."""

    paper: str
    ink: str
    faint: str
    first: str
    second: str
    diverging: str


# Colour-blind readers can tell blue from orange; in grey print the two differ in lightness.
LIGHT = Theme("#ffffff", "#1f2328", "#d5d9de", "#5b9bd5", "#b8500c", "RdBu_r")
DARK = Theme("#15181c", "#e6e8ea", "#3a4048", "#4f87c4", "#f0a35e", "berlin")


def png(figure: Figure) -> bytes:
    """Return the figure as the bytes of a PNG; the same figure gives the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return file.getvalue()


def learning_curves(histories: Mapping[str, Sequence[Epoch]], theme: Theme = LIGHT) -> Figure:
    """Plot cost (above) and error (below) by epoch, one column for each named history.

    The columns have the same scales, so that they can be compared.
    """
    figure = _figure(max(WIDTH_INCHES, 4.2 * len(histories)), 5.6, theme)
    grid = figure.subplots(2, len(histories), sharex="col", sharey="row", squeeze=False)
    for column, (name, history) in enumerate(histories.items()):
        _draw_curves(grid[0, column], history, "cost", theme)
        _draw_curves(grid[1, column], history, "error", theme)
        grid[0, column].set_title(name, color=theme.ink, fontsize=11)
        grid[0, column].legend(
            facecolor=theme.paper, edgecolor="none", framealpha=1, labelcolor=theme.ink, fontsize=9
        )
        grid[1, column].set_xlabel("epoch")
        grid[1, column].yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    # After drawing: fixing one end of a shared scale also fixes the other for later curves.
    grid[0, 0].set(ylabel="cost: mean loss per image", ylim=(0, None))
    grid[1, 0].set(ylabel="error: share read wrongly", ylim=(0, None))
    return figure


def _draw_curves(
    axes: Axes, history: Sequence[Epoch], quantity: Literal["cost", "error"], theme: Theme
) -> None:
    epochs = np.arange(1, len(history) + 1)
    train = [getattr(epoch.train, quantity) for epoch in history]
    validation = [getattr(epoch.validation, quantity) for epoch in history]
    best = 1 + best_epoch(history)
    axes.axvline(best, color=theme.ink, linewidth=0.8, linestyle=":")
    axes.plot(epochs, validation, color=theme.second, marker=".", markersize=3, label="validation")
    axes.plot(epochs, train, color=theme.first, marker=".", markersize=3, label="training")
    axes.fill_between(epochs, train, validation, color=theme.second, alpha=0.12, linewidth=0)
    label = f"lowest validation cost, epoch {best}" if quantity == "cost" else None
    axes.plot(best, validation[best - 1], "o", color=theme.second, markeredgecolor=theme.ink, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _style(axes, theme)


def confusion_matrix(confusion: npt.NDArray[np.int_], theme: Theme = LIGHT) -> Figure:
    """Draw the counts (10, 10) by true digit and read digit, with colours for the mistakes.

    The counts on the diagonal, a hundred times larger, are grey and have no part in the colour scale.
    """
    figure = _figure(WIDTH_INCHES, 5.2, theme)
    axes = figure.subplots()
    mistakes = np.where(np.eye(len(confusion), dtype=bool), np.nan, confusion)
    scale = LinearSegmentedColormap.from_list("mistakes", [theme.paper, theme.second]).with_extremes(
        bad=theme.faint
    )
    axes.imshow(mistakes, cmap=scale, vmin=0, vmax=max(1, np.nanmax(mistakes)) / TINT)
    for (true, read), count in np.ndenumerate(confusion):
        text, alpha = (f"{count}", 1.0) if count else ("·", 0.4)
        weight = "bold" if count and true != read else "normal"
        drawn = axes.text(read, true, text, color=theme.ink, alpha=alpha, fontsize=8, fontweight=weight)
        drawn.set(horizontalalignment="center", verticalalignment="center")
    axes.set(xlabel="read as", ylabel="true digit", xticks=range(CLASSES), yticks=range(CLASSES))
    _style(axes, theme, grid=False)
    return figure


def worst_mistakes(p: Array, labels: Labels, most: int = MISTAKES) -> npt.NDArray[np.intp]:
    """Return the indices of the wrong answers, at most `most`, those with the highest confidence first.

    >>> p = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> worst_mistakes(p, np.array([0, 1, 0], np.uint8))
    array([2, 1])
    """
    wrong = np.flatnonzero(p.argmax(axis=1) != labels)
    return wrong[np.argsort(-p[wrong].max(axis=1), kind="stable")][:most]


def mistakes(examples: Examples, p: Array, theme: Theme = LIGHT) -> Figure:
    """Draw the images of the worst mistakes, each with its true digit, read digit and confidence."""
    chosen = worst_mistakes(p, examples.labels)
    rows = max(1, -(-len(chosen) // MISTAKES_A_ROW))
    figure = _figure(WIDTH_INCHES, 0.2 + 1.45 * rows, theme)
    grid = figure.subplots(rows, MISTAKES_A_ROW, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, index in zip(grid, chosen, strict=False):
        axes.imshow(examples.images[index], cmap="gray", vmin=0, vmax=255)
        title = f"{examples.labels[index]} read as {p[index].argmax()}\n{_confidence(p[index].max())}"
        axes.set_title(title, color=theme.ink, fontsize=9, pad=3)
    if len(chosen) == 0:
        figure.text(0.5, 0.5, "no mistakes", color=theme.ink, horizontalalignment="center")
    return figure


def _confidence(p: float) -> str:
    """Write the probability of a wrong answer in percent; 100 % would look certain, so it is never shown.

    >>> _confidence(0.99996), _confidence(0.427)
    ('> 99.9 %', '42.7 %')
    """
    return "> 99.9 %" if p > 0.9995 else f"{p:.1%}".replace("%", " %")


def first_layer_weights(W: Array, theme: Theme = LIGHT) -> Figure:
    """Draw the columns of W (784, fan_out) as images: the 64 of the largest norm, largest first.

    All have the same scale, symmetric about 0, so that the colours of neurons can be compared. The few
    largest weights are beyond its ends and have its end colours; otherwise the others would be pale.
    """
    order = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[: NEURONS_A_ROW**2]
    rows = -(-len(order) // NEURONS_A_ROW)
    # NaN is drawn as empty: a border of one pixel between neurons, and the rest of the last row.
    mosaic = np.full((rows * NEURONS_A_ROW, SIDE + 1, SIDE + 1), np.nan)
    mosaic[: len(order), :SIDE, :SIDE] = W.T[order].reshape(-1, SIDE, SIDE)
    picture = mosaic.reshape(rows, NEURONS_A_ROW, SIDE + 1, SIDE + 1).swapaxes(1, 2)
    limit = float(np.quantile(np.abs(W[:, order]), SHOWN_SHARE)) or 1.0
    figure = _figure(WIDTH_INCHES, 0.9 + 0.65 * rows, theme)
    axes = figure.subplots()
    axes.set_axis_off()
    image = axes.imshow(picture.reshape(rows * (SIDE + 1), -1), cmap=theme.diverging, vmin=-limit, vmax=limit)
    bar = figure.colorbar(image, ax=axes, location="bottom", extend="both", shrink=0.6, aspect=40, pad=0.02)
    bar.set_label("weight", color=theme.ink, fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=theme.ink, labelsize=8)
    return figure


def precision_recall(evaluation: Evaluation, theme: Theme = LIGHT) -> Figure:
    """Draw precision and recall of each digit as bars that hang from 100 %.

    The length of a bar is the distance to 100 %, so that the lengths have the right proportions although
    the scale does not begin at 0.
    """
    figure = _figure(WIDTH_INCHES, 3.4, theme)
    axes = figure.subplots()
    digits, width = np.arange(CLASSES), 0.38
    for offset, name, values, color in (
        (-width / 2, "precision", evaluation.precision, theme.first),
        (width / 2, "recall", evaluation.recall, theme.second),
    ):
        known = np.isfinite(values)
        axes.bar(digits[known] + offset, values[known] - 1, width, bottom=1, color=color, label=name)
    lacking = 1 - np.nanmin([evaluation.precision, evaluation.recall])
    axes.set(xlabel="digit", xticks=digits, ylim=(1 - 1.2 * max(lacking, 0.001), 1))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.legend(frameon=False, labelcolor=theme.ink, fontsize=9, loc="lower left", ncols=2)
    _style(axes, theme)
    axes.grid(visible=False, axis="x")
    return figure


def _figure(width_inches: float, height_inches: float, theme: Theme) -> Figure:
    return Figure(figsize=(width_inches, height_inches), facecolor=theme.paper, layout="constrained")


def _style(axes: Axes, theme: Theme, *, grid: bool = True) -> None:
    axes.set_facecolor(theme.paper)
    axes.tick_params(colors=theme.ink, labelsize=9, length=0)
    axes.xaxis.label.set_color(theme.ink)
    axes.yaxis.label.set_color(theme.ink)
    axes.spines[:].set_visible(False)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(color=theme.faint, linewidth=0.6)
