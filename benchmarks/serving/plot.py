"""The plot of the race: requests a second, with a panel for each form and a bar for each load."""

import io
from pathlib import Path
from statistics import median

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.serving.entries import CONNECTIONS, ENTRIES, FORMS
from benchmarks.serving.race import Race
from benchmarks.serving.table import per_second, select
from scripts.walkthrough_plots import BLUE, COLOURS, DOTS_PER_INCH, GREEN, GREY, STYLE, WIDTH_INCHES

TITLES = {"multipart": "one image, in a form", "raw": "one image, the PNG as the body"}
SHADES = dict(zip(CONNECTIONS, (GREY, GREEN, BLUE), strict=True))
BAR = 0.8 / len(CONNECTIONS)


def draw(race: Race, path: Path) -> None:
    """Write the plot as a PNG with a small palette."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 0.6 * len(complete(race)) + 1.4))
        axes = figure.subplots(1, len(FORMS), sharex=True, sharey=True)
        for form, axis in zip(FORMS, axes, strict=True):
            _panel(race, form, axis)
        figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(CONNECTIONS)
        )
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH)
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(path, optimize=True)


def complete(race: Race) -> list[str]:
    """Return the servers that took every form."""
    return [name for name in race.versions if set(FORMS) <= set(ENTRIES[name].takes)]


def _panel(race: Race, form: str, axis: Axes) -> None:
    """Draw the bars of a form, with the first server and the fewest connections at the top."""
    names = complete(race)
    for index, connections in enumerate(CONNECTIONS):
        rates = select(race.turns, form, connections, per_second)
        lengths = [median(rates[name].values()) if name in rates else 0.0 for name in names]
        places = [place + (index - (len(CONNECTIONS) - 1) / 2) * BAR for place in range(len(names))]
        label = "1 connection" if connections == 1 else f"{connections} connections"
        axis.barh(places, lengths, BAR, color=SHADES[connections], label=label)
    axis.set_yticks(range(len(names)), [ENTRIES[name].label for name in names])
    axis.set(title=TITLES[form], xlabel="requests/s")
    axis.grid(visible=False, axis="y")
    if not axis.yaxis_inverted():
        axis.invert_yaxis()
