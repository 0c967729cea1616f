"""Teachers: finished trainings, often with filters, whose opinion of an image a network learns from.

    y = softmax(mean over the teachers of z / T)

At a temperature T above 1 the targets say also which wrong digits an image resembles. The network is
trained on them at temperature 1, so that its own logits come out T times smaller; calibration puts
that right. Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from typing import NamedTuple

import numpy as np

from models.activations import Array, softmax
from models.preprocessing import preprocess
from training.data import Images
from training.reader import Reader, read

# So many images' patches stay in the processor's cache.
CHUNK = 32


class Teachers(NamedTuple):
    """The readers that are asked, and the temperature of what they say."""

    readers: tuple[Reader, ...] = ()
    temperature: float = 1.0


NO_TEACHERS = Teachers()


def logits(reader: Reader, images: Images) -> Array:
    """Return z (N, 10) of the last layer for images uint8 (N, 28, 28)."""
    chunks = (preprocess(images[first : first + CHUNK]) for first in range(0, len(images), CHUNK))
    return np.concatenate([read(reader, x).activity.z[-1] for x in chunks])


def soft_targets(teachers: Teachers, images: Images) -> Array:
    """Return the teachers' common opinion y (N, 10) of images uint8 (N, 28, 28)."""
    z = np.mean([logits(reader, images) for reader in teachers.readers], axis=0)
    return softmax(z / np.float32(teachers.temperature))
