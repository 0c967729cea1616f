"""Checks the settings of this package before the service starts.

`service/settings.py` keeps them as plain text. The guard and the security headers parse that text when the
app is made; `check` parses it earlier, so that an operator gets a sentence instead of a traceback.
"""

from service.access.client_address import parse_networks
from service.access.keys import check_file, parse_keys
from service.access.security_headers import parse_origins
from service.settings import PREFIX, Settings, SettingsError


def check(settings: Settings) -> None:
    """Raise SettingsError for the first setting that can't be used.

    >>> check(Settings(cors_origins="example.org"))
    Traceback (most recent call last):
    service.settings.SettingsError: DIGITS_CORS_ORIGINS must be * or origins such as https://example.org, ...
    """
    for name in ("api_key", "metrics_key"):
        text = getattr(settings, name)
        if text and not parse_keys(text.encode("utf-8", "surrogateescape")):
            raise SettingsError(f"{PREFIX}{name.upper()} holds no key: leave it out, or write one")
    parse_networks(settings.trusted_proxies)
    parse_origins(settings.cors_origins)
    if settings.api_key_file:
        check_file(settings.api_key_file)
