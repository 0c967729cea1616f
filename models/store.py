"""The weights file: one .npz with a network, its metadata, and golden values to verify it with.

    W0, b0, W1, b1, …, slopeN     the parameters (float16 or float32 on disk, float32 in memory)
    metadata                      a JSON string; REQUIRED below are the fields that every file has
    golden_x, golden_logits       real inputs, and the logits (the last z) that they must give

Saving is atomic: a reader gets the old file or the new one, never a part. Loading reads no pickle, and checks
every shape, number and checksum before the network is used. Fields of the metadata that a reader does not
know are passed over.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from models.network import (
    CLASSES,
    PIXELS,
    Network,
    Parameters,
    forward,
    from_parameters,
    parameters,
)

FORMAT_VERSION = 1
GOLDEN_TOLERANCE = 1e-4
REQUIRED: dict[str, type | tuple[type, ...]] = {
    "format_version": int,
    "name": str,
    "version": str,
    "activations": list,
    "sha256": str,
    "temperature": (int, float),
    "set_threshold": (int, float),
    "evidence_threshold": (int, float),
}


class WeightsError(ValueError):
    """A weights file that failed a check; the message names file, field, expected and found value."""


@dataclass(frozen=True)
class Model:
    """A network that passed every check, and its metadata."""

    network: Network
    metadata: dict[str, Any]


def atomic_write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Replace the file at path by what `write` writes, completely or not at all.

    The bytes are written to a temporary file beside it and flushed to the disk (fsync); then the file is
    renamed. If the process is killed, the next save overwrites the temporary file.
    """
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def fingerprint(named: Parameters) -> str:
    """Return the SHA-256 of the names, shapes and float32 values of the parameters, in order."""
    digest = hashlib.sha256()
    for name, array in named.items():
        digest.update(f"{name}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()


def round_to_half(network: Network) -> Network:
    """Round each parameter to the nearest float16, kept as float32, so that the file can store float16."""
    named = {name: array.astype(np.float16).astype(np.float32) for name, array in parameters(network).items()}
    return from_parameters(named, [layer.activation for layer in network])


def save(path: Path, network: Network, metadata: dict[str, Any], golden_x: npt.NDArray[np.float32]) -> None:
    """Write the network, as float16 where this is exact, with golden_x (n, 784) and their logits.

    metadata must have name, version, temperature and thresholds; the other fields of REQUIRED are added.
    """
    named = parameters(network)
    filled = {
        "format_version": FORMAT_VERSION,
        **metadata,
        "activations": [layer.activation for layer in network],
        "sha256": fingerprint(named),
    }
    contents = {name: _smallest(array) for name, array in named.items()} | {
        "metadata": np.array(json.dumps(filled, indent=1)),
        "golden_x": golden_x,
        "golden_logits": forward(network, golden_x).z[-1],
    }
    atomic_write(path, lambda file: np.savez_compressed(file, allow_pickle=False, **contents))


def _smallest(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    half = array.astype(np.float16)
    return half if np.array_equal(half.astype(array.dtype), array) else array


def load(path: Path) -> Model:
    """Read and verify a weights file.

    Raises WeightsError with the file, the field, and what was expected.
    """
    arrays = _read(path)
    metadata = _metadata(path, arrays)
    network = _network(path, arrays, metadata)
    _check_golden(path, network, arrays)
    return Model(network, metadata)


def load_classifier(path: Path) -> Model:
    """Load a weights file whose output is softmax; raises WeightsError for any other."""
    model = load(path)
    output = model.network[-1].activation
    if output != "softmax":
        raise WeightsError(f"{path}: expected a softmax output, found {output}")
    return model


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such file; `make train` writes one") from None
    except Exception as error:  # damage anywhere makes the zip reader raise almost anything
        raise WeightsError(
            f"{path}: expected a whole .npz of plain arrays (no pickle), found: {error}"
        ) from error


def _metadata(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    try:
        metadata = json.loads(str(arrays["metadata"]))
        version = metadata["format_version"]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise WeightsError(
            f"{path}: metadata: expected a JSON object with a format_version, found {error!r}"
        ) from error
    if version != FORMAT_VERSION:
        raise WeightsError(f"{path}: metadata.format_version: expected {FORMAT_VERSION}, found {version!r}")
    for field, kind in REQUIRED.items():
        if not isinstance(metadata.get(field), kind):
            raise WeightsError(f"{path}: metadata.{field}: expected {kind}, found {metadata.get(field)!r}")
    if not metadata["temperature"] > 0:
        raise WeightsError(f"{path}: metadata.temperature: expected above 0, found {metadata['temperature']}")
    return dict(metadata)


def _network(path: Path, arrays: dict[str, npt.NDArray[Any]], metadata: dict[str, Any]) -> Network:
    named = {
        name: _finite(path, name, array)
        for name, array in arrays.items()
        if name.startswith(("W", "b", "slope"))
    }
    try:
        network = from_parameters(named, metadata["activations"])
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise WeightsError(
            f"{path}: the parameters do not make the network that metadata describes: {error}"
        ) from error
    ends = (network[0].W.shape[0], network[-1].W.shape[1])
    if ends != (PIXELS, CLASSES):
        raise WeightsError(f"{path}: expected {PIXELS} inputs and {CLASSES} outputs, found {ends}")
    found = fingerprint(parameters(network))
    if found != metadata["sha256"]:
        raise WeightsError(f"{path}: metadata.sha256: expected {metadata['sha256']}, found {found}")
    return network


def _finite(path: Path, name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if array.dtype not in (np.float16, np.float32):
        raise WeightsError(f"{path}: {name}: expected float16 or float32, found {array.dtype}")
    if not np.isfinite(array).all():
        raise WeightsError(f"{path}: {name}: expected finite numbers, found NaN or infinity")
    return array.astype(np.float32)


def _check_golden(path: Path, network: Network, arrays: dict[str, npt.NDArray[Any]]) -> None:
    try:
        x, expected = arrays["golden_x"], arrays["golden_logits"]
        found = forward(network, x.astype(np.float32)).z[-1]
        difference = float(np.abs(found - expected).max())
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(
            f"{path}: golden_x, golden_logits: expected inputs and their logits: {error}"
        ) from error
    # `not <=` rather than `>`: a NaN must be refused too.
    if not difference <= GOLDEN_TOLERANCE:
        raise WeightsError(
            f"{path}: golden_logits: expected the stored logits to within {GOLDEN_TOLERANCE}, "
            f"found a difference of {difference:.3g}"
        )
