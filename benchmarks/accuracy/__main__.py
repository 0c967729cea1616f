"""Measure how many digits the service reads correctly: drawn, scanned and photographed ones.

python -m benchmarks.accuracy [--per-kind N] [--people FOLDER] [--save FOLDER]

Digits of MNIST's validation split are rendered (rendering.py), encoded as PNG, and read as the service
reads an upload: decode, normalise, preprocess, forward. The weights were chosen on that split, so the figure
of the kind `mnist` is slightly too good; the others show how well the preprocessing works. Digits whose loops
are filled with ink are left out of all kinds, because their middle lines would be another digit's.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
import numpy as np
from PIL import Image

from benchmarks.accuracy.pens import LOOPS, Grey, loops
from benchmarks.accuracy.rendering import KINDS, png
from models import store
from models.network import Network, predict
from models.preprocessing import preprocess
from service.images.codec import InvalidImage, decode
from service.images.normalise import normalise
from service.settings import DEFAULT_MODEL
from training.cli.options import data_dir_option, plain_errors
from training.data.mnist import Examples, load_split

MAX_PIXELS = 2**26
TILE = 112
COLUMNS = 10


@dataclass(frozen=True)
class Reading:
    """A picture as posted, what the network saw (None: rejected), the true digit and the digit read."""

    posted: bytes
    seen: Grey | None
    label: int
    digit: int | None

    @property
    def right(self) -> bool:
        """Whether the digit is the true one."""
        return self.digit == self.label


def read(network: Network, posted: bytes, label: int) -> Reading:
    """Read one PNG as the service does."""
    try:
        seen = normalise(decode(posted, MAX_PIXELS))[0]
    except InvalidImage:
        return Reading(posted, None, label, None)
    return Reading(posted, seen, label, int(predict(network, preprocess(seen[None]))[0]))


def rendered(kind: str, examples: Examples, number: int) -> Iterator[tuple[bytes, int]]:
    """Yield PNGs of one kind with their digits; the seed depends on the kind's name alone."""
    rng = np.random.default_rng(zlib.crc32(kind.encode()))
    order = rng.permutation(len(examples.images))
    with_open_loops = (i for i in order if loops(examples.images[i]) >= LOOPS.get(int(examples.labels[i]), 0))
    for index in islice(with_open_loops, number):
        yield png(KINDS[kind](examples.images[index], rng)), int(examples.labels[index])


def people(folder: Path) -> dict[str, list[tuple[bytes, int]]]:
    """Return people's own digits: those in hwd1000.npz, and folders of files named after their digit."""
    found = {}
    if (folder / "hwd1000.npz").exists():
        with np.load(folder / "hwd1000.npz") as archive:
            pairs = zip(archive["images"], archive["labels"], strict=True)
            found["hwd1000"] = [(png(Image.fromarray(image)), int(label)) for image, label in pairs]
    for place in sorted((folder / "people").glob("*")):
        found[place.name] = [(path.read_bytes(), int(path.name[0])) for path in sorted(place.glob("*.png"))]
    return found


def contact_sheet(readings: list[Reading]) -> Image.Image:
    """Return each picture above what the network saw: first the failures, in red frames, then the rest."""
    rows = -(-len(readings) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE, rows * 2 * TILE), "white")
    for place, reading in enumerate(sorted(readings, key=lambda reading: reading.right)):
        row, column = divmod(place, COLUMNS)
        seen = np.zeros((28, 28), np.uint8) if reading.seen is None else reading.seen
        colour = "green" if reading.right else "red"
        for below, grey in enumerate((decode(reading.posted, MAX_PIXELS), seen)):
            tile = Image.new("RGB", (TILE - 2, TILE - 2), colour)
            image = Image.fromarray(grey)
            factor = (TILE - 8) / max(image.size)
            tile.paste(image.resize([max(round(s * factor), 1) for s in image.size]), (3, 3))
            sheet.paste(tile, (column * TILE, (2 * row + below) * TILE))
    return sheet


def report(network: Network, name: str, pictures: Iterable[tuple[bytes, int]], save: Path | None) -> float:
    """Read all pictures of one kind, print its line, and return the share that was read right."""
    readings = [read(network, posted, label) for posted, label in pictures]
    accuracy = float(np.mean([reading.right for reading in readings]))
    refused = sum(reading.seen is None for reading in readings)
    click.echo(f"{name:20} {len(readings):6} {accuracy:9.1%}" + (f"   {refused} refused" if refused else ""))
    if save:
        save.mkdir(parents=True, exist_ok=True)
        contact_sheet(readings[:200]).save(save / f"{name.replace(' ', '_')}.png")
    return accuracy


@click.command()
@data_dir_option
@click.option(
    "--people", "folder", type=click.Path(exists=True, path_type=Path), help="Folder of people's own digits."
)
@click.option("--per-kind", default=100, show_default=True, help="Pictures of each kind.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only these kinds.")
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), help="Folder for contact sheets.")
def main(
    data_dir: Path, folder: Path | None, per_kind: int, kinds: tuple[str, ...], save: Path | None
) -> None:
    """Print a table: kind, pictures, share read right."""
    model = store.load(DEFAULT_MODEL)
    click.echo(f"{'kind':20} {'images':>6} {'accuracy':>9}")
    if per_kind:
        with plain_errors():
            # The split of the model's own training: digits that it has not learned from.
            validation = load_split(data_dir, model.metadata["recipe"]["split_seed"]).validation
        chosen = kinds or tuple(KINDS)
        shares = [report(model.network, kind, rendered(kind, validation, per_kind), save) for kind in chosen]
        click.echo(f"{'mean over kinds':20} {per_kind * len(shares):6} {np.mean(shares):9.1%}")
    for name, pictures in (people(folder) if folder else {}).items():
        report(model.network, name, pictures, save)


if __name__ == "__main__":
    main()
