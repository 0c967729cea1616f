"""From grey images to the input of the network: pixels from 0 to 1, row after row.

    x = image / 255        uint8 (N, 28, 28), 0 black to 255 white → float32 (N, 784), 0 to 1

Training and service both use this function, so that they prepare inputs in the same way.
"""

import numpy as np
import numpy.typing as npt

from models.network import PIXELS


def preprocess(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Turn uint8 images (N, 28, 28) into float32 vectors (N, 784).

    Raises ValueError for any other shape or dtype.

    >>> preprocess(np.full((2, 28, 28), 255, np.uint8)).shape
    (2, 784)
    """
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        raise ValueError(f"expected uint8 images of shape (N, 28, 28), got {images.dtype} {images.shape}")
    return images.reshape(-1, PIXELS).astype(np.float32) / np.float32(255)
