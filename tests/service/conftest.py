"""Pictures for the service's tests."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Encode pixels as a PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def blank() -> bytes:
    """A PNG with nothing on it."""
    return png(np.full((40, 40), 255, np.uint8))
