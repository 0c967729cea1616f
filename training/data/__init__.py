"""The training data: MNIST's files, their download, and what varies the images from epoch to epoch.

This room may import models/ and no other room of training/. Start reading in mnist.py, then epochs.py, which
combines deformation (augmentation.py), changes of ink and outliers.
"""

from training.data.mnist import Examples

__all__ = ["Examples"]
