"""The fast head parser runs for every request: no head is cached."""

from benchmarks.serving.ablation.pieces import find, replace


def apply() -> None:
    """Remove the cache around the fast parser."""
    replace("fast head parser", find("fast head parser").__wrapped__)
