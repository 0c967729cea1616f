"""Checkpoints: saved, loaded, and refused where they can't be continued."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from training import checkpoint
from training.checkpoint import CheckpointError
from training.recipe import Recipe
from training.state import start

ROOT = Path(__file__).parent.parent.parent
RECIPE = Recipe(hidden=(8,), activation="prelu", dropout=(0.1,))


def test_round_trip_of_a_fresh_training(tmp_path: Path) -> None:
    """A training saved before its first step comes back with its recipe and weights."""
    training = start(RECIPE)
    checkpoint.save(tmp_path / "c.npz", training)
    again = checkpoint.load(tmp_path / "c.npz")
    assert again.recipe == RECIPE
    np.testing.assert_array_equal(again.network[0].W, training.network[0].W)
    np.testing.assert_array_equal(again.network[0].slope, training.network[0].slope)


def test_kill_during_save(tmp_path: Path) -> None:
    """After kill -9 in the middle of a save, the last checkpoint is there, and the next save succeeds."""
    path = tmp_path / "c.npz"
    checkpoint.save(path, start(RECIPE))
    program = """
import os, pathlib, signal, sys
from training import checkpoint
training = checkpoint.load(pathlib.Path(sys.argv[1]))
training.epoch = 5
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save(pathlib.Path(sys.argv[1]), training)
"""
    ended = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, check=False)
    assert ended.returncode == -9
    training = checkpoint.load(path)
    assert training.epoch == 0
    training.epoch = 1
    checkpoint.save(path, training)
    assert checkpoint.load(path).epoch == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.npz"]


def test_what_is_none_is_named(tmp_path: Path) -> None:
    """The error for a missing, foreign or truncated checkpoint names the file."""
    path = tmp_path / "c.npz"
    with pytest.raises(CheckpointError, match="no checkpoint to resume"):
        checkpoint.load(path)
    checkpoint.save(path, start(RECIPE))
    content = path.read_bytes()
    for damaged in (b"", b"something else", content[: len(content) // 2], content[:-10]):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="not a checkpoint") as caught:
            checkpoint.load(path)
        assert str(path) in str(caught.value)


def test_recipes_of_older_versions_are_named(tmp_path: Path) -> None:
    """A checkpoint whose recipe has a field that this version does not know is refused, with that field."""
    path = tmp_path / "c.npz"
    checkpoint.save(path, start(RECIPE))
    with np.load(path) as archive:
        arrays = dict(archive)
    about = json.loads(str(arrays["about"]))
    about["recipe"] |= {"passes": 1, "teachers": []}
    np.savez(path, **arrays | {"about": np.array(json.dumps(about))})
    with pytest.raises(CheckpointError, match=r"older version .* can't be resumed: .* passes, teachers"):
        checkpoint.load(path)
