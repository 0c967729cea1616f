"""Parity: MNIST test images posted as PNGs to the running service give the offline evaluation's digits.

python -m tests.parity [--data-dir FOLDER]         all 10,000; exit code 1 when any digit differs
"""

import io
import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from PIL import Image

from models import store
from models.network import predict
from models.preprocessing import preprocess
from service.settings import DEFAULT_MODEL
from tests.server import Server, post_png, running
from training.cli.options import data_dir_option
from training.data.mnist import Images, load_examples


def png_of(image: npt.NDArray[np.uint8]) -> bytes:
    """Encode one image."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def digits_offline(images: Images) -> list[int]:
    """Read images as the offline evaluation does."""
    return predict(store.load(DEFAULT_MODEL).network, preprocess(images)).tolist()


def digits_over_http(server: Server, images: Images) -> list[int]:
    """Read images by posting each as a PNG."""
    connection = server.connect()
    try:
        return [post_png(connection, png_of(image))[1]["digit"] for image in images]
    finally:
        connection.close()


@click.command()
@data_dir_option
def main(data_dir: Path) -> None:
    """Compare all test images, and say how many differ."""
    test = load_examples(data_dir, "t10k")
    offline = digits_offline(test.images)
    with running() as server:
        served = digits_over_http(server, test.images)
    differing = [index for index, pair in enumerate(zip(offline, served, strict=True)) if pair[0] != pair[1]]
    right = int((np.array(served) == test.labels).sum())
    click.echo(f"{len(served)} images: {len(differing)} digits differ {differing[:10]}; {right} are right")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
