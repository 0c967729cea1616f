"""Each view runs its own forward pass, and returns a complete response."""

from collections.abc import Callable

from flask import Response

from benchmarks.serving.ablation.pieces import replace


class WrittenAtOnce:
    """Takes the place of the pending response, and returns a plain, complete response."""

    def __new__(cls, write: Callable[[], str], _path: str) -> Response:  # type: ignore[misc]  # no instance of this class
        """Write the body now."""
        return Response(write(), content_type="application/json")


def apply() -> None:
    """Write each response at once, instead of after all waiting requests are prepared."""
    replace("pending response", WrittenAtOnce)
