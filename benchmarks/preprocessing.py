"""Measure how long `normalise` takes for a decoded image: medians, in microseconds.

python -m benchmarks.preprocessing [--rounds N]

    mnist      an image of MNIST, which passes unchanged
    drawing    280 × 280 pixels, as from a canvas on a page: hairline, pen and marker
    photo      a digit photographed on uneven grey paper, 4,000 × 3,000 pixels

The kinds take turns, so that a slow moment of the machine affects all of them.
"""

import io
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import click
import numpy as np
from PIL import Image

from benchmarks.accuracy.pens import Grey
from benchmarks.accuracy.rendering import hairline, marker, pen, photo
from service.images.codec import decode
from service.images.normalise import normalise
from training.cli.options import data_dir_option, plain_errors
from training.data.mnist import load_split

IMAGES = 20
CANVAS = 280, 280
TWELVE_MEGAPIXELS = 4000, 3000
DRAW: dict[str, Callable[[Grey, np.random.Generator], Image.Image]] = {
    "drawing, hairline": hairline,
    "drawing, pen": pen,
    "drawing, marker": marker,
}


def pictures(digits: Grey, rng: np.random.Generator) -> dict[str, list[Grey]]:
    """Return the decoded images (height, width) of each kind."""
    drawn = {name: [_decoded(draw(d, rng).resize(CANVAS)) for d in digits] for name, draw in DRAW.items()}
    photos = [_decoded(photo(digit, rng).resize(TWELVE_MEGAPIXELS)) for digit in digits[:3]]
    return {"mnist": list(digits), **drawn, "photo, 12 megapixels": photos}


def _decoded(image: Image.Image) -> Grey:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return decode(file.getvalue(), TWELVE_MEGAPIXELS[0] * TWELVE_MEGAPIXELS[1])


def times(kinds: dict[str, list[Grey]], rounds: int) -> dict[str, float]:
    """Return each kind's median time of one image, in microseconds."""
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, images in kinds.items():
            for image in images:
                start = time.perf_counter()
                normalise(image)
                taken[name].append(1e6 * (time.perf_counter() - start))
    return {name: median(each) for name, each in taken.items()}


@click.command()
@data_dir_option
@click.option("--rounds", default=20, show_default=True, help="Rounds over all kinds.")
def main(data_dir: Path, rounds: int) -> None:
    """Print a table: kind, microseconds."""
    with plain_errors():
        digits = load_split(data_dir, 1).validation.images[:IMAGES]
    for name, microseconds in times(pictures(digits, np.random.default_rng(0)), rounds).items():
        click.echo(f"{name:22} {microseconds:10,.0f} µs")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.preprocessing")
