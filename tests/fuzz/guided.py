"""One target before libFuzzer, in a process of its own.

    python -m tests.fuzz.guided TARGET FLAG … FOLDER …

What of the service's code a change of the bytes newly reaches decides which bytes are changed further.
"""

import random
import sys
from pathlib import Path

import atheris

from tests.fuzz.chunks import SIGNATURE, mutated
from tests.fuzz.seeds import SEEDS

with atheris.instrument_imports(include=["service"]):
    from tests.fuzz.targets import TARGETS

# Bytes by which a change may lengthen what it changes.
LONGER = 64


def main(target: str, arguments: list[str]) -> None:
    """Write the target's seeds into the first folder, and fuzz until the flags say that it is enough."""
    kept = next(Path(argument) for argument in arguments if not argument.startswith("-"))
    for number, seed in enumerate(SEEDS[target]()):
        (kept / f"seed-{number}").write_bytes(seed)
    atheris.Setup([target, *arguments], TARGETS[target], custom_mutator=_mutate)
    atheris.Fuzz()


def _mutate(data: bytes, most: int, seed: int) -> bytes:
    """Change a picture by its structure, wherever it stands, and anything else as libFuzzer does."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    at = data.find(SIGNATURE[:4])
    if at < 0 or rng.random() < 0.1:
        return _scrambled(data)[:most]
    before = data[:at] if rng.random() < 0.8 else _scrambled(data[:at])
    return (before + mutated(data[at:], rng, _scrambled))[:most]


def _scrambled(data: bytes) -> bytes:
    return bytes(atheris.Mutate(data, len(data) + LONGER))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
