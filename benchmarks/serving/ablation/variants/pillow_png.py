"""Pillow opens the PNG. It reads some files otherwise, or not at all: what is compared is the time."""

from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from benchmarks.serving.ablation.pieces import replace
from service.images.codec import Grey, InvalidImage


def apply() -> None:
    """Decode by Pillow alone."""
    replace("PNG reader", _decode)


def _decode(png: bytes, max_pixels: int) -> Grey:
    """Read a PNG as grey levels uint8 (height, width). Raises InvalidImage."""
    try:
        with Image.open(BytesIO(png), formats=("PNG",)) as image:
            if image.width * image.height > max_pixels:
                raise InvalidImage("too_many_pixels", f"At most {max_pixels} pixels are read.")
            return np.asarray(image.convert("L"))
    except UnidentifiedImageError as error:
        raise InvalidImage("not_png", str(error)) from error
    except (OSError, SyntaxError) as error:
        raise InvalidImage("broken_image", str(error)) from error
