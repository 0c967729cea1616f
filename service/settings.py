"""Settings: read once from environment variables with the prefix DIGITS_, checked at start."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from service.shared_memory.worker_table import WORKER_ROWS

DEFAULT_MODEL = Path(__file__).parent.parent / "models" / "digits.npz"
PREFIX = "DIGITS_"
# Bodies up to this count as small. A drawing has 2 to 8 kB; a photo has far more.
SMALL_BODY_BYTES = 8 * 2**10
# The slowest and the fastest rate limit, in requests per second; the largest burst.
RATE_LIMITS, MAX_BURST = (0.001, 10**6), 10**6
# Settings that have no effect without another one.
NEEDED = {"rate_burst": "rate_limit", "metrics_host": "metrics_port"}


class SettingsError(ValueError):
    """A setting that can't be used; the message names it, and says what would be right."""


def _number(default: float | None, least: float, most: float = math.inf) -> Any:  # noqa: ANN401 - a field
    """Return the field of a number from least to most."""
    return field(default=default, metadata={"least": least, "most": most})


def _choice(default: str, *others: str) -> Any:  # noqa: ANN401 - a field
    """Return the field of one of some words."""
    return field(default=default, metadata={"choices": (default, *others)})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings; each field is read from the variable DIGITS_ and its name in capitals."""

    model: Path = DEFAULT_MODEL
    host: str = "127.0.0.1"
    # 0 is any free port.
    port: int = _number(8080, 0, 65535)
    worker_class: str = _choice("digits", "gthread", "sync")
    # A reload runs twice as many for a while, each with a row of shared memory.
    workers: int = _number(2, 1, WORKER_ROWS // 2)
    threads: int = _number(1, 1)
    max_upload_bytes: int = _number(32 * 2**20, 1)
    max_pixels: int = _number(16 * 2**20, 1)
    max_images: int = _number(256, 1)
    max_waiting: int = _number(20, 1)
    drain_seconds: int = _number(0, 0)
    api_key: str = field(default="", repr=False)
    api_key_file: Path | None = None
    rate_limit: float | None = _number(None, *RATE_LIMITS)
    rate_burst: int | None = _number(None, 1, MAX_BURST)
    trusted_proxies: str = ""
    cors_origins: str = ""
    metrics_host: str = ""
    metrics_port: int | None = _number(None, 1, 65535)
    metrics_key: str = field(default="", repr=False)
    log_format: str = _choice("json", "text")
    log_requests: str = _choice("yes", "no")
    feedback: str = _choice("no", "yes")

    def __post_init__(self) -> None:
        """Check what can be checked here; service/access/validation.py checks keys, proxies and origins."""
        for entry in fields(self):
            value, rule = getattr(self, entry.name), entry.metadata
            if value not in rule.get("choices", (value,)):
                raise self._refusal(entry.name, " or ".join(rule["choices"]))
            if "least" in rule and value is not None and not rule["least"] <= value <= rule["most"]:
                most = rule["most"]
                limits = f"{rule['least']} or more" if most == math.inf else f"from {rule['least']} to {most}"
                raise self._refusal(entry.name, limits)
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
        names = {entry.name: PREFIX + entry.name.upper() for entry in fields(cls)}
        kinds = {entry.name: entry.type for entry in fields(cls) if names[entry.name] in environment}
        return cls(**{key: _parse(names[key], environment[names[key]], kind) for key, kind in kinds.items()})


# What a variable must be, by the type of its field; paths and text can be anything.
EXPECTED = {int: "a whole number", float: "a number"}


def _parse(name: str, text: str, kind: Any) -> Any:  # noqa: ANN401 - a type, and a value of it
    """Return a variable's value; an empty one leaves a field without a value, if it may have none."""
    kind, *none = get_args(kind) or (kind,)
    try:
        return None if none and not text else kind(text)
    except ValueError:
        raise SettingsError(f"{name} must be {EXPECTED[kind]}, not {text!r}") from None


def _address(host: str, port: int) -> str:
    return f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
