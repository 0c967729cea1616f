"""scikit-learn's MLPClassifier: a run is one partial_fit over as many images as its steps need.

partial_fit shuffles what it is given and goes over it once, in batches. What would not be there in a
long fit is taken away: the check of every input for NaN (assume_finite), and the weight penalty (alpha).
"""

import time

import numpy as np
import sklearn
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from benchmarks.training.contestants import (
    BATCH,
    LEARNING_RATES,
    MEASURED,
    MOMENTUM,
    SIZES,
    WARM_UP,
    Contestant,
)
from models.network import CLASSES
from models.preprocessing import preprocess
from training.data.mnist import Examples


def enter_partial_fit(optimizer: str, examples: Examples) -> Contestant:
    """Set up the classifier, whose first partial_fit draws the weights."""
    sklearn.set_config(assume_finite=True)
    x, y = preprocess(examples.images), examples.labels
    network = MLPClassifier(
        hidden_layer_sizes=SIZES[1:-1],
        solver="sgd" if optimizer == "momentum" else optimizer,
        learning_rate_init=LEARNING_RATES[optimizer],
        momentum=MOMENTUM,
        nesterovs_momentum=False,
        batch_size=BATCH,
        alpha=0.0,
        shuffle=True,
        random_state=1,
    )
    classes, first = np.arange(CLASSES), 0

    def go(steps: int) -> None:
        """Go on from the image after the last, at most to the end of the images at a time."""
        nonlocal first
        while steps:
            last = min(first + steps * BATCH, len(y))
            network.partial_fit(x[first:last], y[first:last], classes=classes)
            steps -= (last - first) // BATCH
            first = last % len(y)

    def run(steps: int) -> float:
        go(WARM_UP)
        start = time.perf_counter()
        go(steps)
        return time.perf_counter() - start

    return Contestant(
        f"scikit-learn {sklearn.__version__}",
        run,
        lambda: float(log_loss(y[:MEASURED], network.predict_proba(x[:MEASURED]), labels=classes)),
    )
