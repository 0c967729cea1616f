"""Settings: read once from environment variables with the prefix DIGITS_, checked at start."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from service.loads import PLACES

DEFAULT_MODEL = Path(__file__).parent.parent / "models" / "digits.npz"
PREFIX = "DIGITS_"
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
    api_key: str = ""
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

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; what is not set keeps its default.

        Raises SettingsError for a value that can't be used.

        >>> Settings.from_environment({"DIGITS_PORT": "80"}).port
        80
        """
        kinds = {PREFIX + entry.name.upper(): entry for entry in fields(cls)}
        given: dict[str, str | int | Path] = {}
        for name, text in environment.items():
            if name in kinds:
                given[kinds[name].name] = _convert(name, text, type(kinds[name].default))
        return cls(**given)  # type: ignore[arg-type]  # each was converted to its field's own type


def _convert(name: str, text: str, kind: type) -> str | int | Path:
    if kind is not int:
        return Path(text) if issubclass(kind, Path) else text
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"{name} must be a whole number, not {text!r}") from None
