"""The parts that all servers share with the service: preprocessing, network, decision, response.

The benchmark compares everything else.
"""

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from models.activations import Array
from models.decision import Decision, decide, describe
from models.network import forward
from models.preprocessing import preprocess
from models.store import load
from service.images.codec import decode
from service.images.normalise import normalise
from service.settings import DEFAULT_MODEL

MODEL = load(DEFAULT_MODEL)
MAX_PIXELS = 16 * 2**20


def prepare(pngs: list[bytes]) -> npt.NDArray[np.float32]:
    """Return the network's input float32 (N, 784) for N PNGs."""
    return preprocess(np.array([normalise(decode(png, MAX_PIXELS))[0] for png in pngs]))


def logits(x: npt.NDArray[np.float32]) -> Array:
    """Run the network in NumPy, for the servers without an engine of their own."""
    return forward(MODEL.network, x).z[-1]


def documents(z: Array) -> list[dict[str, Any]]:
    """Return the service's response for each row of the logits z (N, 10)."""
    return [describe(Decision(*row)) for row in zip(*decide(z, MODEL.metadata), strict=True)]


def read(png: bytes) -> dict[str, Any]:
    """Return the response to one PNG, computed in NumPy."""
    return documents(logits(prepare([png])))[0]


def as_json(answer: dict[str, Any]) -> str:
    """Encode a response as the service does."""
    return json.dumps(answer)
