"""werkzeug's parser reads every form."""

from benchmarks.serving.ablation.pieces import replace


def apply() -> None:
    """Let the fast reader decline every form, which is then left to werkzeug's."""
    replace("fast multipart reader", lambda *_: None)
