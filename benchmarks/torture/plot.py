"""The soak test's plot: memory, descriptors and threads, and responses a second, over time."""

import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.torture.sampling import Sample
from scripts.walkthrough_plots import BLUE, COLOURS, DOTS_PER_INCH, GREEN, GREY, ORANGE, STYLE, WIDTH_INCHES


def draw(samples: Sequence[Sample], path: Path) -> None:
    """Write the plot as a PNG in few colours."""
    minutes = [sample.seconds / 60 for sample in samples]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 6.0))
        memory, things, rate = figure.subplots(3, 1, sharex=True)
        memory.plot(minutes, [sample.rss_mb for sample in samples], color=GREY, label="in each process")
        memory.plot(minutes, [sample.pss_mb for sample in samples], color=BLUE, label="what they share once")
        memory.set(title="memory, MB")
        things.plot(minutes, [sample.descriptors for sample in samples], color=ORANGE, label="descriptors")
        things.plot(minutes, [sample.threads for sample in samples], color=GREEN, label="threads")
        things.set(title="descriptors, threads")
        rate.plot(minutes[1:], [*_rates(samples)], color=BLUE)
        rate.set(title="answers a second", xlabel="minutes")
        for axis in (memory, things, rate):
            axis.set_ylim(bottom=0)
        for axis, place in ((memory, "lower right"), (things, "center right")):
            axis.legend(loc=place, ncols=2)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH)
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(path, optimize=True)


def _rates(samples: Sequence[Sample]) -> list[float]:
    return [
        (later.answered - before.answered) / (later.seconds - before.seconds or 1)
        for before, later in pairwise(samples)
    ]
