"""The weights file: complete and valid, or refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.network import Layer, Network
from models.store import WeightsError, load, round_to_half, save

Arrays = dict[str, Any]
METADATA = {
    "name": "digits",
    "version": "1",
    "temperature": 1.5,
    "set_threshold": 0.1,
    "evidence_threshold": 0.7,
}
ROOT = Path(__file__).parent.parent.parent


def small_network(seed: int = 0) -> Network:
    """784-4-10, seeded."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return (
        Layer(draw(784, 4), draw(4), "prelu", draw(4)),
        Layer(draw(4, 10), draw(10), "softmax"),
    )


@pytest.fixture
def golden() -> np.ndarray:
    """Three inputs."""
    return np.random.default_rng(1).random((3, 784), np.float32)


@pytest.fixture
def saved(tmp_path: Path, golden: np.ndarray) -> Path:
    """A valid weights file."""
    path = tmp_path / "digits.npz"
    save(path, small_network(), METADATA, golden)
    return path


def edit(path: Path, change: Callable[[Arrays], object]) -> None:
    """Rewrite the file after a change to its arrays."""
    with np.load(path) as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(path, **arrays)


def edit_metadata(path: Path, **fields: object) -> None:
    """Rewrite the file with other metadata; None removes a field."""

    def change(arrays: Arrays) -> None:
        metadata = json.loads(str(arrays["metadata"])) | fields
        kept = {name: value for name, value in metadata.items() if value is not None}
        arrays["metadata"] = np.array(json.dumps(kept))

    edit(path, change)


def test_what_is_saved_is_loaded(saved: Path) -> None:
    """Parameters are loaded bit for bit, and the metadata with the fields that save adds."""
    model = load(saved)
    for before, after in zip(small_network(), model.network, strict=True):
        np.testing.assert_array_equal(before.W, after.W)
        np.testing.assert_array_equal(before.b, after.b)
        np.testing.assert_array_equal(before.slope, after.slope)
    assert model.metadata["activations"] == ["prelu", "softmax"]
    assert METADATA.items() <= model.metadata.items()


def test_half_precision_is_kept_small(tmp_path: Path, golden: np.ndarray) -> None:
    """A network rounded to float16 is stored as such, and loads bit for bit as float32."""
    network = round_to_half(small_network())
    save(tmp_path / "half.npz", network, METADATA, golden)
    with np.load(tmp_path / "half.npz") as archive:
        assert archive["W0"].dtype == np.float16
    loaded = load(tmp_path / "half.npz").network
    np.testing.assert_array_equal(loaded[0].W, network[0].W)
    assert loaded[0].W.dtype == np.float32


def test_same_network_same_bytes(tmp_path: Path, golden: np.ndarray) -> None:
    """Saving is deterministic: a file can be compared by its checksum."""
    for name in ("a.npz", "b.npz"):
        save(tmp_path / name, small_network(), METADATA, golden)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def _spoil_number(arrays: Arrays) -> None:
    arrays["W0"][3, 2] = np.nan


def _spoil_bit(arrays: Arrays) -> None:
    arrays["W0"].view(np.uint32)[5, 1] ^= 1


def _spoil_golden(arrays: Arrays) -> None:
    arrays["golden_logits"] += 0.001


def _hide_pickle(arrays: Arrays) -> None:
    arrays["W0"] = np.array([print], dtype=object)


REFUSED: dict[str, tuple[Callable[[Arrays], object], str]] = {
    "another shape": (lambda a: a.update(W0=np.zeros((784, 5), np.float32)), "b has shape"),
    "another number of inputs": (lambda a: a.update(W0=a["W0"][:700]), "expected 784 inputs"),
    "a missing array": (lambda a: a.pop("b1"), "'b1'"),
    "NaN": (_spoil_number, "W0: expected finite numbers"),
    "a flipped bit": (_spoil_bit, "metadata.sha256: expected"),
    "float64": (lambda a: a.update(b0=a["b0"].astype(float)), "b0: expected float16 or float32"),
    "a pickle": (_hide_pickle, "no pickle"),
    "no metadata": (lambda a: a.pop("metadata"), "metadata"),
    "metadata that is not JSON": (lambda a: a.update(metadata=np.array("{")), "metadata"),
    "other golden logits": (_spoil_golden, "golden_logits: expected"),
    "NaN among the golden logits": (lambda a: a["golden_logits"].fill(np.nan), "golden_logits"),
    "no golden inputs": (lambda a: a.pop("golden_x"), "golden_x"),
    "golden inputs of another size": (lambda a: a.update(golden_x=np.zeros((3, 9))), "golden_x"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_spoiled_files_are_refused(saved: Path, case: str) -> None:
    """Each kind of damage is refused with a sentence that names the file and the field."""
    change, words = REFUSED[case]
    edit(saved, change)
    with pytest.raises(WeightsError, match=words) as caught:
        load(saved)
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"format_version": 2}, "format_version: expected 1, found 2"),
        ({"format_version": None}, "format_version"),
        ({"temperature": "warm"}, "temperature: expected"),
        ({"temperature": 0}, "temperature: expected above 0"),
        ({"version": None}, "version: expected"),
        ({"activations": ["relu"]}, "slope"),
        ({"activations": []}, "do not make the network"),
        ({"sha256": "0" * 64}, "sha256: expected 000"),
    ],
)
def test_other_metadata_is_refused(saved: Path, fields: dict[str, object], words: str) -> None:
    """Another format version, and fields that are missing or of the wrong kind, are refused."""
    edit_metadata(saved, **fields)
    with pytest.raises(WeightsError, match=words):
        load(saved)


def test_every_truncation_is_refused(saved: Path) -> None:
    """A truncated file is refused, wherever it ends."""
    content = saved.read_bytes()
    for length in [0, 1, 4, *range(10, len(content) - 1, len(content) // 25), len(content) - 1]:
        saved.write_bytes(content[:length])
        with pytest.raises(WeightsError, match="expected a whole"):
            load(saved)


def test_every_flipped_byte_is_refused_or_harmless(saved: Path) -> None:
    """If any byte of the file is changed, the file is refused or gives the same network."""
    content = saved.read_bytes()
    for position in range(0, len(content), len(content) // 150):
        damaged = bytearray(content)
        damaged[position] ^= 0x40
        saved.write_bytes(damaged)
        try:
            network = load(saved).network
        except WeightsError:
            continue
        np.testing.assert_array_equal(network[0].W, small_network()[0].W)


def test_missing_file(tmp_path: Path) -> None:
    """The error for a missing file names it, and the command that makes one."""
    with pytest.raises(WeightsError, match="no such file; `make train`"):
        load(tmp_path / "none.npz")


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_kill_during_save(saved: Path, moment: str) -> None:
    """After kill -9 in the middle of a save, the old file is there, complete, and can be replaced."""
    target = "os.fsync" if moment == "fsync" else "pathlib.Path.replace"
    program = f"""
import os, pathlib, signal, sys
import numpy as np
from models.store import load, save
model = load(pathlib.Path(sys.argv[1]))
{target} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
save(pathlib.Path(sys.argv[1]), model.network[1:], model.metadata, np.zeros((1, 4), np.float32))
"""
    before = saved.read_bytes()
    ended = subprocess.run([sys.executable, "-c", program, str(saved)], cwd=ROOT, check=False)
    assert ended.returncode == -9
    assert saved.read_bytes() == before
    load(saved)
    save(saved, small_network(7), METADATA, np.zeros((1, 784), np.float32))
    assert sorted(path.name for path in saved.parent.iterdir()) == ["digits.npz"]
    np.testing.assert_array_equal(load(saved).network[0].W, small_network(7)[0].W)
