"""Validates the configuration: settings, weights, API keys, ports."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches

from models.store import WeightsError, load_classifier
from service.access.validation import check
from service.settings import PREFIX, Settings, SettingsError

NAMES = [PREFIX + entry.name.upper() for entry in fields(Settings)]
# Variables of the training program and of the tests.
OTHERS = frozenset({"DIGITS_DATA_DIR", "DIGITS_REQUIRE_ALL"})


def errors(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each error; an invalid setting does not keep the others from being checked."""
    valid = {name: value for name, value in environment.items() if name in NAMES}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in NAMES and name not in OTHERS:
            yield _unknown(name)
        elif name in valid and (sentence := _invalid({name: valid[name]})):
            del valid[name]
            yield sentence
    if sentence := _invalid(valid):
        yield sentence
        return
    settings = Settings.from_environment(valid)
    try:
        load_classifier(settings.model)
    except WeightsError as error:
        yield str(error)
    yield from _taken(settings.host, settings.port)
    if settings.metrics_port is not None:
        yield from _taken(settings.metrics_host or settings.host, settings.metrics_port)


def _unknown(name: str) -> str:
    meant = get_close_matches(name.removeprefix(PREFIX), [known.removeprefix(PREFIX) for known in NAMES], 1)
    hint = f"did you mean {PREFIX}{meant[0]}?" if meant else "docs/settings.md lists all settings"
    return f"unknown setting {name}: {hint}"


def _invalid(environment: Mapping[str, str]) -> str:
    try:
        check(Settings.from_environment(environment))
    except SettingsError as error:
        return str(error)
    return ""


def _taken(host: str, port: int) -> Iterator[str]:
    """Bind the port as the service would; yield a sentence if that fails."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        yield f"can't listen on {host}, port {port}: {error.strerror}"
