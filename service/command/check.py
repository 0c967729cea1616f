"""Whether the service could start as it is told to: its settings, its weights, its keys, its ports."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches

from models.store import WeightsError, load_classifier
from service.access.validation import check
from service.settings import PREFIX, Settings, SettingsError

NAMES = [PREFIX + entry.name.upper() for entry in fields(Settings)]
# The training's, and the tests'.
OTHERS = frozenset({"DIGITS_DATA_DIR", "DIGITS_REQUIRE_ALL"})


def wrong(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong; what is unusable is left out, and the rest looked at."""
    usable = {name: value for name, value in environment.items() if name in NAMES}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in NAMES and name not in OTHERS:
            yield _unknown(name)
        elif name in usable and (sentence := _unusable({name: usable[name]})):
            del usable[name]
            yield sentence
    if sentence := _unusable(usable):
        yield sentence
        return
    settings = Settings.from_environment(usable)
    try:
        load_classifier(settings.model)
    except WeightsError as error:
        yield str(error)
    yield from _not_free(settings.host, settings.port)
    if settings.metrics_port is not None:
        yield from _not_free(settings.metrics_host or settings.host, settings.metrics_port)


def _unknown(name: str) -> str:
    meant = get_close_matches(name.removeprefix(PREFIX), [known.removeprefix(PREFIX) for known in NAMES], 1)
    hint = f": is {PREFIX}{meant[0]} meant?" if meant else "; docs/settings.md lists them"
    return f"{name} is no setting{hint}"


def _unusable(environment: Mapping[str, str]) -> str:
    try:
        check(Settings.from_environment(environment))
    except SettingsError as error:
        return str(error)
    return ""


def _not_free(host: str, port: int) -> Iterator[str]:
    """Try to take a port as the service would."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        yield f"nothing can listen on {host}, port {port}: {error.strerror}"
