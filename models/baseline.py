"""The baseline: the distribution of a model's answers on the validation split.

    predictions     share of each digit among the answers
    confidence      share of the answers with a confidence of at most each of CONFIDENCES
    ink_fraction    share of the images in which at most each of INK_FRACTIONS of the pixels has ink
    abstentions     share of the images on which the model abstains

It is in the weights file. The service counts its answers with the same bounds, so that drift can be computed
from the counts of all replicas.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from models.decision import Decision
from models.network import CLASSES

CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)
INK_FRACTIONS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0)


def baseline(images: npt.NDArray[np.uint8], decision: Decision) -> dict[str, Any]:
    """Return the baseline of images uint8 (N, 28, 28) and the decisions on them.

    >>> images = np.zeros((2, 28, 28), np.uint8); images[0, :14] = 255
    >>> p = np.array([[1.0, 0.0], [0.45, 0.55]])
    >>> found = baseline(images, Decision(p, p > 0.2, np.array([False, True])))
    >>> found["predictions"][:2], found["confidence"][4:7], found["ink_fraction"][-3:], found["abstentions"]
    ([0.5, 0.5], [0.0, 0.5, 0.5], [0.5, 1.0, 1.0], 0.5)
    """
    digits = np.bincount(decision.p.argmax(axis=1), minlength=CLASSES)
    ink = (images > 0).mean(axis=(1, 2))
    return {
        "predictions": (digits / len(images)).tolist(),
        "confidence": [float((decision.p.max(axis=1) <= bound).mean()) for bound in CONFIDENCES],
        "ink_fraction": [float((ink <= bound).mean()) for bound in INK_FRACTIONS],
        "abstentions": float(decision.abstained.mean()),
    }
