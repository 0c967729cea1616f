"""Settings: read once from environment variables with the prefix DIGITS_, checked at start."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from service.shared_memory.worker_table import WORKER_ROWS

DEFAULT_MODEL = Path(__file__).parent.parent / "models" / "digits.npz"
PREFIX = "DIGITS_"
# Bodies up to this count as small. A drawing has 2 to 8 kB; a photo has far more.
SMALL_BODY_BYTES = 8 * 2**10
CHOICES = {
    "worker_class": ("digits", "gthread", "sync"),
    "log_format": ("json", "text"),
    "log_requests": ("yes", "no"),
    "feedback": ("yes", "no"),
}
# The smallest and the largest value of each number, both allowed; None: no limit.
RANGES: dict[str, tuple[float, float | None]] = {
    # 0 is any free port.
    "port": (0, 65535),
    # A reload runs twice as many for a while, each with a row of shared memory.
    "workers": (1, WORKER_ROWS // 2),
    **dict.fromkeys(("threads", "max_upload_bytes", "max_pixels", "max_images", "max_waiting"), (1, None)),
    "drain_seconds": (0, None),
    "rate_limit": (0.001, 10**6),
    "rate_burst": (1, 10**6),
    "metrics_port": (1, 65535),
}
# Settings that have no effect without another one.
NEEDED = {"rate_burst": "rate_limit", "metrics_host": "metrics_port"}


class SettingsError(ValueError):
    """A setting that can't be used; the message names it, and says what would be right."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings; each field is read from the variable DIGITS_ and its name in capitals."""

    model: Path = DEFAULT_MODEL
    host: str = "127.0.0.1"
    port: int = 8080
    worker_class: str = "digits"
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
        """Check what can be checked here; service/access/validation.py checks keys, proxies and origins."""
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= (math.inf if most is None else most):
                raise self._refusal(name, f"{least} or more" if most is None else f"from {least} to {most}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise self._refusal(name, " or ".join(choices))
        for name, needed in NEEDED.items():
            if getattr(self, name) and getattr(self, needed) is None:
                raise SettingsError(f"{PREFIX}{name.upper()} needs {PREFIX}{needed.upper()}")
        if self.metrics_port == self.port:
            raise self._refusal("metrics_port", f"another port than {PREFIX}PORT")

    def _refusal(self, name: str, expected: str) -> SettingsError:
        return SettingsError(f"{PREFIX}{name.upper()} must be {expected}, not {getattr(self, name)!r}")

    @property
    def needs_key(self) -> bool:
        """Whether predictions and the model's routes require an API key."""
        return bool(self.api_key or self.api_key_file)

    @property
    def burst(self) -> int:
        """How many requests a client may send at once; by default those of one second, and at least one."""
        return self.rate_burst or max(math.ceil(self.rate_limit or 0), 1)

    @property
    def addresses(self) -> list[str]:
        """The addresses to listen on, in gunicorn's form."""
        found = [_address(self.host, self.port)]
        if self.metrics_port is not None:
            found.append(_address(self.metrics_host or self.host, self.metrics_port))
        return found

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; a variable that is not set leaves the default.

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


# For each type of field: its parser, and what the text must be.
KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, ""),
    Path: (Path, ""),
    Path | None: (Path, ""),
    int: (int, "a whole number"),
    int | None: (int, "a whole number"),
    float | None: (float, "a number"),
}
# An empty variable leaves fields of these types unset.
OPTIONAL = (Path | None, int | None, float | None)


def _convert(name: str, text: str, kind: Any) -> Any:  # noqa: ANN401 - a type, and a value of it
    parse, expected = KINDS[kind]
    try:
        return parse(text)
    except ValueError:
        raise SettingsError(f"{name} must be {expected}, not {text!r}") from None


def _address(host: str, port: int) -> str:
    return f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
