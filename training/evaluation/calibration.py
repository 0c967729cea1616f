"""Calibration: temperature and thresholds, chosen on the validation split.

The temperature T divides the logits. At the right T, the mean confidence equals the accuracy:

    mean max_k softmax(z / T)_k = share of right answers       (Clarté et al., "Expectation consistency
                                                                for calibration of neural networks", 2023)

A good network reads about two dozen of the 5,000 validation images wrongly, too few to know its accuracy
exactly. So T is the value nearest to 1 at which the two differ by at most a standard error of the accuracy
(the rule of one standard error, Breiman et al., "Classification and Regression Trees", 1984). T stays 1 if
the network is calibrated already, as far as these images can tell. The T of the lowest cross-entropy (Guo et
al., 2017) depends on a few wrongly labelled images: it lowers the confidence in all others to make these less
improbable. In 80 trials, a network trained on half of the training images by the recipe of the weights that
ship was calibrated on 5,000 of the other images, and measured on 10,000 more: the mean calibration error was
0.09 %, and 0.13 % with the T at which confidence and accuracy are equal.

The prediction set has every digit whose probability reaches a threshold. All but a share alpha of the
validation images give their true digit at least this probability:

    set = {k: p_k >= threshold},  threshold = the floor(alpha (n + 1))-th smallest p_true

so the true digit of a new image is in its set with a probability of at least 1 - alpha (split conformal
prediction: Vovk et al., 2005; this score: Sadinle, Lei, Wasserman, 2019).

For a picture that is no digit, a network trained with outliers gives little evidence for its most probable
digit (models/decision.py). The evidence threshold is the highest at which the network abstains on at most a
given share of the validation images, including those whose set does not have exactly one digit.
"""

import math
from typing import Any

import numpy as np

from models.activations import Array, softmax
from models.decision import evidence
from models.network import Network, forward
from models.preprocessing import preprocess
from training.data.mnist import Examples, Labels

# The required coverage is 99.75 %.
ALPHA = 0.0025
# At most 2 % of all digits may be abstained on. Because the digits of other people differ, the share here is
# three standard errors (of 5,000 images) less.
ABSTAINED = 0.015


def calibrate(network: Network, validation: Examples) -> dict[str, Any]:
    """Return the temperature and the thresholds of a network, for the metadata of a weights file."""
    logits = forward(network, preprocess(validation.images)).z[-1].astype(np.float64)
    t = temperature(logits, validation.labels, independent=len(validation.labels))
    least = set_threshold(logits, validation.labels, t)
    return {
        "temperature": t,
        "set_threshold": least,
        "set_coverage": 1 - ALPHA,
        "evidence_threshold": evidence_threshold(logits, t, least),
    }


def temperature(logits: Array, labels: Labels, independent: int) -> float:
    """Return the temperature nearest to 1 at which confidence is within a standard error of the accuracy.

    Confidence is the mean over the images, the standard error that of `independent` images. The temperature
    is from 1/20 to 20. As it rises, the confidence falls, so bisection of its logarithm finds it, to four
    digits.

    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 10, 4000).astype(np.uint8)
    >>> logits = rng.normal(0, 1, (4000, 10)); logits[np.arange(4000), labels] += 1.0
    >>> exactly = 10**9
    >>> round(temperature(3 * logits, labels, exactly) / temperature(logits, labels, exactly), 2)
    3.0
    """
    accuracy = (logits.argmax(axis=1) == labels).mean()
    standard_error = math.sqrt(accuracy * (1 - accuracy) / independent)
    excess = _confidence(logits, 1.0) - accuracy
    if abs(excess) <= standard_error:
        return 1.0
    aim = accuracy + math.copysign(standard_error, excess)
    low, high = math.log(1 / 20), math.log(20)
    while high - low > 1e-5:
        middle = (low + high) / 2
        if _confidence(logits, math.exp(middle)) > aim:
            low = middle
        else:
            high = middle
    return round(math.exp((low + high) / 2), 4)


def _confidence(logits: Array, temperature: float) -> float:
    return float(softmax(logits.astype(np.float64) / temperature).max(axis=1).mean())


def set_threshold(logits: Array, labels: Labels, temperature: float, alpha: float = ALPHA) -> float:
    """Return the probability at which a digit is in the prediction set.

    It is 0, so that the set has every digit, for fewer than 1/alpha - 1 images: these are too few for any
    other promise.
    """
    p_true = softmax(logits / temperature)[np.arange(len(labels)), labels]
    rank = math.floor(alpha * (len(labels) + 1))
    return float(np.sort(p_true)[rank - 1]) if rank >= 1 else 0.0


def evidence_threshold(
    logits: Array, temperature: float, set_threshold: float, share: float = ABSTAINED
) -> float:
    """Return the evidence below which to abstain, so that a share of these images of digits is abstained on.

    If the prediction sets alone abstain on that share or more, no image has less evidence than the threshold.

    >>> z = np.array([[9.0, 0.0], [3.0, 0.0], [6.0, 0.0], [1.0, 1.0]])
    >>> [evidence_threshold(z, 1.0, 0.1, share) for share in (0.25, 0.5, 0.75)]
    [1.5, 3.0, 4.5]
    """
    p = softmax(logits / temperature)
    single = (p >= set_threshold).sum(axis=1) == 1
    if not single.any():
        return 0.0
    more = max(0, math.floor(share * len(logits)) - int((~single).sum()))
    return float(np.sort(evidence(logits[single]))[min(more, int(single.sum()) - 1)])
