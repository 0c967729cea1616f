"""Settings: read once from environment variables with the prefix DIGITS_, checked at start."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from service.shared_memory.worker_table import PLACES

DEFAULT_MODEL = Path(__file__).parent.parent / "models" / "digits.npz"
PREFIX = "DIGITS_"
# Requests a second of one client; and the most at once.
LEAST_RATE, MOST_RATE = 0.001, 10**6
# A reload has twice as many for a while, each in a place of its own.
MOST_WORKERS = PLACES // 2
CHOICES = {"log_format": ("json", "text"), "log_requests": ("yes", "no"), "feedback": ("yes", "no")}


class SettingsError(ValueError):
    """A setting that can't be used; the message names it, and says what would be right."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the service can be told; each field is the variable DIGITS_ and its name in capitals."""

    model: Path = DEFAULT_MODEL
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    threads: int = 1
    max_upload_bytes: int = 32 * 2**20
    max_pixels: int = 16 * 2**20
    max_images: int = 256
    max_waiting: int = 20
    drain_seconds: int = 0
    api_key: str = field(default="", repr=False)
    api_key_file: Path | None = None
    rate_limit: float | None = None
    rate_burst: int | None = None
    trusted_proxies: str = ""
    cors_origins: str = ""
    metrics_host: str = ""
    metrics_port: int | None = None
    metrics_key: str = field(default="", repr=False)
    log_format: str = "json"
    log_requests: str = "yes"
    feedback: str = "no"

    def __post_init__(self) -> None:
        """Refuse numbers below their least and names outside their set."""
        for name in ("workers", "threads", "max_upload_bytes", "max_pixels", "max_images", "max_waiting"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{PREFIX}{name.upper()} must be 1 or more, not {getattr(self, name)}")
        if self.workers > MOST_WORKERS:
            raise SettingsError(f"{PREFIX}WORKERS must be {MOST_WORKERS} or less, not {self.workers}")
        if self.drain_seconds < 0:
            raise SettingsError(f"{PREFIX}DRAIN_SECONDS must be 0 or more, not {self.drain_seconds}")
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"{PREFIX}PORT must be from 0 (any free port) to 65535, not {self.port}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                given = f"{' or '.join(choices)}, not {getattr(self, name)!r}"
                raise SettingsError(f"{PREFIX}{name.upper()} must be {given}")
        self._check_access()

    def _check_access(self) -> None:
        """Check the rate limit and the metrics port; the rest is checked in service/access/validation.py."""
        if self.rate_limit is not None and not LEAST_RATE <= self.rate_limit <= MOST_RATE:
            raise SettingsError(
                f"{PREFIX}RATE_LIMIT must be from {LEAST_RATE} to {MOST_RATE}, not {self.rate_limit}"
            )
        if self.rate_burst is not None and self.rate_limit is None:
            raise SettingsError(f"{PREFIX}RATE_BURST needs {PREFIX}RATE_LIMIT")
        if self.rate_burst is not None and not 1 <= self.rate_burst <= MOST_RATE:
            raise SettingsError(f"{PREFIX}RATE_BURST must be from 1 to {MOST_RATE}, not {self.rate_burst}")
        if self.metrics_port is not None and not (
            1 <= self.metrics_port <= 65535 and self.metrics_port != self.port
        ):
            raise SettingsError(
                f"{PREFIX}METRICS_PORT must be from 1 to 65535 and not {PREFIX}PORT, not {self.metrics_port}"
            )
        if self.metrics_host and self.metrics_port is None:
            raise SettingsError(f"{PREFIX}METRICS_HOST needs {PREFIX}METRICS_PORT")

    @property
    def needs_key(self) -> bool:
        """Whether predictions and the model need a key."""
        return bool(self.api_key or self.api_key_file)

    @property
    def burst(self) -> int:
        """Requests that a client may make at once: if not said, as many as in a second, and at least one."""
        return self.rate_burst or max(math.ceil(self.rate_limit or 0), 1)

    @property
    def addresses(self) -> list[str]:
        """Where it listens, as gunicorn has it."""
        found = [_address(self.host, self.port)]
        if self.metrics_port is not None:
            found.append(_address(self.metrics_host or self.host, self.metrics_port))
        return found

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; what is not set keeps its default.

        Raises SettingsError for a value that can't be used.

        >>> Settings.from_environment({"DIGITS_PORT": "80"}).port
        80
        """
        kinds = {PREFIX + entry.name.upper(): entry for entry in fields(cls)}
        given = {
            kinds[name].name: _convert(name, text, kinds[name].type)
            for name, text in environment.items()
            if name in kinds and (text or kinds[name].type not in OPTIONAL)
        }
        return cls(**given)


# How each type is read, and what is wanted there.
KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, ""),
    Path: (Path, ""),
    Path | None: (Path, ""),
    int: (int, "a whole number"),
    int | None: (int, "a whole number"),
    float | None: (float, "a number"),
}
# Set to nothing, these are not set.
OPTIONAL = (Path | None, int | None, float | None)


def _convert(name: str, text: str, kind: Any) -> Any:  # noqa: ANN401 - a type, and a value of it
    read, wanted = KINDS[kind]
    try:
        return read(text)
    except ValueError:
        raise SettingsError(f"{name} must be {wanted}, not {text!r}") from None


def _address(host: str, port: int) -> str:
    return f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
