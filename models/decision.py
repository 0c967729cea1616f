"""From images to decisions: probabilities, the prediction set, and whether to abstain.

    z          = forward(preprocess(images)), the last layer's
    p          = softmax(z / temperature)
    set        = {k: p_k >= set_threshold}
    evidence   = max_k z_k - mean_k z_k            the largest logit minus the mean of all
    abstained  = |set| != 1 or evidence < evidence_threshold

The temperature and the thresholds were chosen on the validation split, and are in the weights file. Evidence
detects pictures that are no digit better than the largest p, which only compares the digits with one another.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.activations import Array, softmax
from models.network import Activity, forward
from models.preprocessing import preprocess
from models.store import Model


class Decision(NamedTuple):
    """For each of N images: p (N, 10), which digits are in the set (N, 10), whether to abstain (N,)."""

    p: Array
    sets: npt.NDArray[np.bool_]
    abstained: npt.NDArray[np.bool_]


def read(model: Model, images: npt.NDArray[np.uint8]) -> tuple[Activity, Decision]:
    """Run the network on images uint8 (N, 28, 28), and decide on each."""
    activity = forward(model.network, preprocess(images))
    return activity, decide(activity.z[-1], model.metadata)


def decide(z: Array, metadata: Mapping[str, Any]) -> Decision:
    """Decide on logits z (N, 10), with the temperature and thresholds in the metadata of a weights file.

    >>> z = np.array([[9.0, 0.0, 0.0], [5.0, 4.8, -3.0], [2.0, 0.0, 0.0]])
    >>> thresholds = {"temperature": 1.0, "set_threshold": 0.2, "evidence_threshold": 2.5}
    >>> _, sets, abstained = decide(z, thresholds)
    >>> sets.sum(axis=1), abstained
    (array([1, 2, 1]), array([False,  True,  True]))
    """
    p = softmax(z / metadata["temperature"])
    sets = p >= metadata["set_threshold"]
    doubtful = evidence(z) < metadata["evidence_threshold"]
    return Decision(p, sets, (sets.sum(axis=1) != 1) | doubtful)


def evidence(z: Array) -> Array:
    """Return the largest logit minus the mean (N,) of each row of logits z (N, 10)."""
    return z.max(axis=1) - z.sum(axis=1) / z.shape[1]


def describe(decision: Decision) -> dict[str, Any]:
    """Return the decision on one image as Python numbers, from a Decision without the axis of the images."""
    digit = int(decision.p.argmax())
    return {
        "digit": digit,
        "confidence": float(decision.p[digit]),
        "probabilities": decision.p.tolist(),
        "prediction_set": np.flatnonzero(decision.sets).tolist(),
        "abstained": bool(decision.abstained),
    }
