"""The training data: MNIST's files, their download, and what varies the images from epoch to epoch.

This room may import models/ and no other room of training/. Start reading in mnist.py, then epochs.py, which
puts together deformation (augmentation.py), ink and outliers; other rooms import the names below from here.
"""

from training.data.mnist import (
    NO_DIGIT,
    SHA256,
    DataError,
    Examples,
    Images,
    Labels,
    Split,
    load_examples,
    load_split,
    parse_idx,
    targets,
)

__all__ = [
    "NO_DIGIT",
    "SHA256",
    "DataError",
    "Examples",
    "Images",
    "Labels",
    "Split",
    "load_examples",
    "load_split",
    "parse_idx",
    "targets",
]
