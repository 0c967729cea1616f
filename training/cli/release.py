"""From a trained network to the weights file: round, calibrate, measure, save.

The weights are rounded to float16 first, so that all figures are those of the network in the file.
Temperature and thresholds come from the validation split, as does the baseline with which the answers of the
service are compared. The test set is read only for a final model, and only to report its figures.
"""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.baseline import baseline
from models.decision import decide
from models.network import Network, forward, parameters
from models.preprocessing import preprocess
from models.store import Model, load, round_to_half, save
from training.data.mnist import SHA256, Split
from training.evaluation.calibration import calibrate
from training.evaluation.evaluate import Evaluation, evaluate
from training.state import Training

NAME = "digits"
GOLDEN_IMAGES = 10


def release(training: Training, split: Split, path: Path, version: str, *, test: bool) -> Evaluation:
    """Write the result of the training to path as a verified weights file, and return its figures.

    With `test`, they are the figures of the test set, and are in the file; otherwise those of the validation
    split.
    """
    network = round_to_half(training.result)
    known = {
        "name": NAME,
        "version": version,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "weights": sum(array.size for array in parameters(network).values()),
        "recipe": asdict(training.recipe),
        "images": {"train": len(split.train.labels), "validation": len(split.validation.labels)},
        "data_sha256": SHA256,
        "history": [
            {part: measured._asdict() for part, measured in epoch._asdict().items()}
            for epoch in training.history
        ],
    }
    return _finish(network, known, split, path, test=test)


def recalibrate(model: Model, split: Split, path: Path, *, test: bool) -> Evaluation:
    """Compute temperature and thresholds of the model anew, and write it to path as `release` does."""
    known = {name: value for name, value in model.metadata.items() if name != "test"}
    return _finish(model.network, known, split, path, test=test)


def _finish(network: Network, known: dict[str, Any], split: Split, path: Path, *, test: bool) -> Evaluation:
    """Calibrate, measure, save, and check that the file can be loaded."""
    metadata = known | calibrate(network, split.validation)
    z = forward(network, preprocess(split.validation.images)).z[-1]
    metadata["baseline"] = baseline(split.validation.images, decide(z, metadata))
    evaluation = evaluate(Model(network, metadata), split.test if test else split.validation)
    tested = {"test": figures(evaluation)} if test else {}
    save(path, network, metadata | tested, preprocess(split.validation.images[:GOLDEN_IMAGES]))
    load(path)
    return evaluation


def figures(evaluation: Evaluation) -> dict[str, float]:
    """Return the figures of the evaluation, rounded to six digits after the point."""
    return {name: round(getattr(evaluation, name), 6) for name in ("error", "ece", "coverage", "abstention")}


def summary(path: Path, evaluation: Evaluation, *, test: bool) -> str:
    """Return a line with the figures and the images that they were measured on."""
    measured = ", ".join(f"{name} {value:.2%}" for name, value in figures(evaluation).items())
    return f"{path}, {'test set' if test else 'validation split'}: {measured}"
