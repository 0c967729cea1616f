"""Where each part of the service is that a variant replaces, and how it is replaced.

This is the only place to change when such a part is moved or renamed.
"""

import importlib
from typing import Any

# By the name that variants use: the module that looks the part up, and the attribute there.
PIECES = {
    "fast head parser": "service.server.request_head:_parse_usual",
    "app factory": "service.app:create_app",
    "route lookup": "service.app:App.create_url_adapter",
    "asynchronous functions": "service.app:App.ensure_sync",
    "pending response": "service.api.predict:PendingResponse",
    "PNG reader": "service.api.read_images:decode",
    "fast multipart reader": "service.api.request_body:read_common_form",
    "client address": "service.access.guard:client_address",
    "counter": "service.shared_memory.counters:Counter",
    "histogram": "service.shared_memory.counters:Histogram",
    "collector": "service.shared_memory.counters:COLLECTOR",
}


class MissingPieceError(LookupError):
    """A part of the service that is not where this module says; the message names both."""


def find(name: str) -> Any:  # noqa: ANN401 - a function, a class or an object
    """Return a part of the service. Raises MissingPieceError if it is not there."""
    owner, attribute = _owner(name)
    return getattr(owner, attribute)


def replace(name: str, by: object) -> None:
    """Put something else in a part's place. Raises MissingPieceError if the part is not there."""
    owner, attribute = _owner(name)
    setattr(owner, attribute, by)


def _owner(name: str) -> tuple[Any, str]:
    """Return the module or class that holds a part, and the part's name in it."""
    module, _, path = PIECES[name].partition(":")
    *owners, attribute = path.split(".")
    try:
        owner: Any = importlib.import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        # Not one that is inherited: to replace that would replace nothing of ours.
        found = attribute in vars(owner)
    except (ImportError, AttributeError):
        found = False
    if not found:
        message = (
            f"the {name} is not at {PIECES[name]}: correct PIECES in benchmarks/serving/ablation/pieces.py"
        )
        raise MissingPieceError(message)
    return owner, attribute
