"""Draw dashboards with matplotlib: each panel in its place, with its title, unit and thresholds.

A panel is the JSON object of Grafana's dashboard. KINDS has the function that draws each type of panel.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from scripts.walkthrough_plots import BLUE, GREEN, GREY, INK, ORANGE, PINK, STYLE, write

Panel = dict[str, Any]
COLOURS = {"green": GREEN, "red": "#c62828", "orange": ORANGE, "yellow": "#e69f00", "blue": BLUE}
CYCLE = (BLUE, ORANGE, GREEN, PINK, "#e69f00", "#56b4e9", INK, GREY, "#8c564b", "#7b4fa3")
COLUMNS, WIDTH_INCHES, ROW_INCHES, HEAD_INCHES = 24, 12.5, 0.26, 0.45
# Inches between the edge of a panel and its axes: left, bottom, right, top.
MARGINS = (0.76, 0.55, 0.2, 0.34)
SMALL: Any = {**STYLE, "figure.constrained_layout.use": False, "font.size": 7.5, "lines.linewidth": 1.5}
# The approximate number of characters in a line of a legend.
LINE = 90
MEBI = 2**20


class Series(NamedTuple):
    """The data of one line, one bar or one number: legend, times in seconds, values; both float64 (n,)."""

    legend: str
    seconds: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]


def shown(value: float, unit: str) -> str:
    """Return a number with its unit, in a short form.

    >>> shown(0.25, "percentunit"), shown(0.00042, "s"), shown(82e6, "bytes"), shown(1234, "reqps")
    ('25 %', '420 µs', '78 MiB', '1,234 req/s')
    """
    if unit == "percentunit":
        return f"{100 * value:.3g} %" if abs(value) < 10 else f"{100 * value:,.0f} %"
    if unit == "bytes":
        return f"{value / MEBI:.0f} MiB"
    if unit == "s":
        for size, name in ((1e-6, "µs"), (1e-3, "ms"), (1, "s")):
            if abs(value) < 1000 * size or name == "s":
                return f"{value / size:.3g} {name}"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} req/s" if unit == "reqps" else text


def draw(dashboard: Panel, answers: Sequence[tuple[Panel, list[Series]]], path: Path) -> None:
    """Draw each panel at its place in the dashboard, and write the picture."""
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel, _ in answers)
    height = rows * ROW_INCHES + HEAD_INCHES
    with rc_context(SMALL):
        figure = Figure(figsize=(WIDTH_INCHES, height), facecolor="white")
        figure.text(
            0.006, 1 - 0.5 * HEAD_INCHES / height, dashboard["title"], va="center", size=12, weight="bold"
        )
        for panel, series in answers:
            axis = _card(figure, panel, height)
            KINDS[panel["type"]](axis, panel, series)
        # The default method may merge the colours of two lines.
        write(figure, path, Image.Quantize.MAXCOVERAGE)


def _card(figure: Figure, panel: Panel, height: float) -> Axes:
    """Draw the frame and the title of a panel, and return the axes inside it."""
    place, column = panel["gridPos"], WIDTH_INCHES / COLUMNS
    x, w, h = place["x"] * column, place["w"] * column, place["h"] * ROW_INCHES
    y = height - HEAD_INCHES - place["y"] * ROW_INCHES - h
    inches = figure.dpi_scale_trans
    card = Rectangle((x + 0.05, y + 0.05), w - 0.1, h - 0.1, fc="white", ec="#d5dae0", lw=0.8, zorder=-1)
    card.set_transform(inches)
    figure.add_artist(card)
    figure.text(x + 0.14, y + h - 0.14, panel["title"], va="top", weight="bold", size=8, transform=inches)
    left, bottom, right, top = MARGINS
    w, h = w - left - right, h - bottom - top
    return figure.add_axes(((x + left) / WIDTH_INCHES, (y + bottom) / height, w / WIDTH_INCHES, h / height))


def _defaults(panel: Panel) -> Panel:
    return dict(panel["fieldConfig"]["defaults"])


def _colour(panel: Panel, value: float) -> str:
    """Return the colour of the highest threshold that the value reaches."""
    steps = _defaults(panel)["thresholds"]["steps"]
    reached = [step for step in steps if step["value"] is None or value >= step["value"]]
    return COLOURS[reached[-1]["color"]]


def _stat(axis: Axes, panel: Panel, series: list[Series]) -> None:
    """Draw one number in the colour of its threshold."""
    axis.set_axis_off()
    value = series[0].values[-1] if series else np.nan
    text = shown(value, _defaults(panel)["unit"]) if series else "no data"
    colour = _colour(panel, value) if series else GREY
    x = 0.5 + 0.5 * (MARGINS[2] - MARGINS[0]) / (axis.get_position().width * WIDTH_INCHES)
    place: Any = {"ha": "center", "va": "center", "transform": axis.transAxes}
    axis.text(x, -0.6, text, size=15, weight="bold", color=colour, **place)


def _lines(axis: Axes, panel: Panel, series: list[Series]) -> None:
    """Draw lines over time, and the thresholds if the panel shows them."""
    defaults = _defaults(panel)
    for line, colour in zip(series, CYCLE * len(series), strict=False):
        axis.plot(line.seconds, line.values, color=colour, label=line.legend)
    low, high = axis.get_ylim()
    if defaults["custom"]["thresholdsStyle"]["mode"] == "line":
        for step in defaults["thresholds"]["steps"][1:]:
            axis.axhline(step["value"], color=COLOURS[step["color"]], lw=1, ls="--")
    axis.set_ylim(min(low, 0.0), max(high, defaults.get("max", high)))
    _dress(axis, defaults["unit"])
    longest = max((len(line.legend) for line in series), default=1)
    axis.legend(
        loc="upper left", bbox_to_anchor=(-0.18, -0.11), ncols=min(10, LINE // (longest + 4)), fontsize=6.2,
        handlelength=1, columnspacing=0.9, handletextpad=0.4, borderaxespad=0.3, labelspacing=0.2,
    )  # fmt: skip


def _dress(axis: Axes, unit: str) -> None:
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))
    if unit == "bytes":
        low, high = axis.get_ylim()
        axis.set_yticks(np.array(MaxNLocator(5).tick_values(0, high / MEBI)) * MEBI)
        axis.set_ylim(low, high)
    _time(axis)


def _time(axis: Axes) -> None:
    axis.set_xlim(0, axis.dataLim.x1)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value // 60:.0f}:{value % 60:02.0f}"))
    axis.tick_params(length=2, pad=2)


def _bars(axis: Axes, panel: Panel, series: list[Series]) -> None:
    """Draw a bar with its value for each series, sorted by the number in the legend, from top to bottom."""
    unit = _defaults(panel)["unit"]
    ordered = sorted(series, key=lambda entry: float(entry.legend))
    values = np.array([entry.values[-1] for entry in ordered])
    bars = axis.barh(range(len(ordered)), values, 0.7, color=[_colour(panel, value) for value in values])
    axis.bar_label(bars, [shown(value, unit) for value in values], padding=3, fontsize=6.5)
    axis.set_yticks(range(len(ordered)), [entry.legend for entry in ordered])
    axis.tick_params(length=0, pad=3, labelsize=6.5 if len(ordered) > 12 else 7.5)
    axis.invert_yaxis()
    # Negative bars extend to the left, so values need room on both sides.
    axis.use_sticky_edges = bool(min(values) >= 0)
    axis.margins(x=0.2, y=0.02)
    axis.grid(visible=False, axis="y")
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))


def _heat(axis: Axes, _: Panel, series: list[Series]) -> None:
    """Draw the count of each histogram bucket over time; a darker cell has a higher count."""
    ordered = sorted(series, key=lambda entry: float(entry.legend))
    counts = np.diff([entry.values for entry in ordered], axis=0, prepend=0.0)
    # The logarithm keeps small counts visible next to a burst.
    shades = np.log10(np.where(counts > 0.5, counts, np.nan))
    axis.pcolormesh(ordered[0].seconds, range(len(ordered)), shades, cmap="YlGnBu", vmin=-0.5)
    axis.set_yticks(
        range(len(ordered)),
        ["" if index % 2 else shown(float(entry.legend), "s") for index, entry in enumerate(ordered)],
    )
    _time(axis)
    axis.tick_params(axis="y", labelsize=6)
    axis.grid(visible=False)


KINDS: dict[str, Callable[[Axes, Panel, list[Series]], None]] = {
    "stat": _stat,
    "timeseries": _lines,
    "bargauge": _bars,
    "heatmap": _heat,
}
