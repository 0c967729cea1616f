"""Measure how many pictures that are not a digit the service refuses to read.

python -m benchmarks.accuracy.refusal [--per-kind N]

Each picture is read as the service reads an upload. It is refused if the preprocessing finds it blank, or if
the network abstains. None of these kinds is drawn by the code that draws the outliers of the training. But
the outliers and the threshold for abstaining were chosen with these figures in view, so other kinds of
pictures may be refused less often.

    clothes     Fashion-MNIST's test images (Xiao, Rasul, Vollgraf, 2017), where they are installed
    uniform     each pixel from 0 to 255
    gaussian    each pixel normal about a middle grey
    blobs       filled ellipses
    lines       three to eight straight lines, drawn with pens
    letters     letters that resemble no digit, in matplotlib's fonts, rotated by up to 10°
"""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.pens import Grey
from models.decision import read
from models.store import Model, load
from service.images.codec import InvalidImage
from service.images.normalise import normalise
from service.settings import DEFAULT_MODEL
from training.data.mnist import parse_idx

CLOTHES = Path("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz")
LETTERS = "AEFHKMNRWX"
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "cmr10")
CANVAS = 280

Draw = Callable[[np.random.Generator], Grey]


def refused(model: Model, pictures: Iterator[Grey]) -> float:
    """Return the share of pictures that are refused."""
    return float(np.mean([_is_refused(model, picture) for picture in pictures]))


def _is_refused(model: Model, picture: Grey) -> bool:
    try:
        image = normalise(picture)[0]
    except InvalidImage:
        return True
    return bool(read(model, image[None])[1].abstained[0])


def uniform(rng: np.random.Generator) -> Grey:
    """Draw uniform noise."""
    return rng.integers(0, 256, (28, 28), dtype=np.uint8)


def gaussian(rng: np.random.Generator) -> Grey:
    """Draw normal noise around a middle grey."""
    return rng.normal(128, 48, (28, 28)).clip(0, 255).astype(np.uint8)


def blobs(rng: np.random.Generator) -> Grey:
    """Draw one to six filled ellipses."""
    image = Image.new("L", (CANVAS, CANVAS), 255)
    pen = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 7)):
        x, y, width, height = rng.uniform((60, 60, 20, 20), (220, 220, 70, 70))
        pen.ellipse((x - width, y - height, x + width, y + height), fill=int(rng.integers(0, 120)))
    return np.asarray(image)


def lines(rng: np.random.Generator) -> Grey:
    """Draw three to eight straight lines with one pen."""
    image = Image.new("L", (CANVAS, CANVAS), 255)
    pen, width = ImageDraw.Draw(image), int(rng.integers(4, 20))
    for _ in range(rng.integers(3, 9)):
        pen.line(tuple(rng.uniform(30, 250, 4)), fill=0, width=width)
    return np.asarray(image)


def letters(rng: np.random.Generator) -> Grey:
    """Draw one letter, rotated by up to 10°."""
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    font = ImageFont.truetype(str(fonts / f"{rng.choice(FONTS)}.ttf"), 180)
    image = Image.new("L", (CANVAS, CANVAS), 255)
    letter = str(rng.choice(list(LETTERS)))
    ImageDraw.Draw(image).text((CANVAS / 2, CANVAS / 2), letter, fill=0, font=font, anchor="mm")
    turned = image.rotate(rng.uniform(-10, 10), Image.Resampling.BILINEAR, fillcolor=255)
    return np.asarray(turned)


KINDS: dict[str, Draw] = {
    "uniform": uniform,
    "gaussian": gaussian,
    "blobs": blobs,
    "lines": lines,
    "letters": letters,
}


def clothes(number: int) -> Iterator[Grey]:
    """Yield Fashion-MNIST's test images."""
    images = parse_idx(gzip.decompress(CLOTHES.read_bytes()), CLOTHES.name)
    yield from images[:number]


@click.command()
@click.option("--per-kind", default=3000, show_default=True, help="Pictures of each kind.")
def main(per_kind: int) -> None:
    """Print a table: kind, pictures, share refused."""
    model = load(DEFAULT_MODEL)
    click.echo(f"{'not a digit':20} {'images':>6} {'refused':>9}")
    for name, draw in KINDS.items():
        rng = np.random.default_rng(0)
        share = refused(model, (draw(rng) for _ in range(per_kind)))
        click.echo(f"{name:20} {per_kind:6} {share:9.1%}")
    if CLOTHES.exists():
        click.echo(f"{'clothes':20} {per_kind:6} {refused(model, clothes(per_kind)):9.1%}")
    else:
        click.echo(f"{'clothes':20} not installed (Debian: dataset-fashion-mnist)")


if __name__ == "__main__":
    main()
