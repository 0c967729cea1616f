"""gunicorn's parser reads every request head."""

from benchmarks.serving.ablation.pieces import replace


def apply() -> None:
    """Let the fast parser decline every head, which is then left to gunicorn's."""
    replace("fast head parser", lambda _: None)
