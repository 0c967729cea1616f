"""The check of the access settings: a sentence for each that can't be used."""

from pathlib import Path

import pytest

from service.access.validation import check
from service.app import create_app
from service.settings import Settings, SettingsError


def test_defaults_and_good_settings_pass(tmp_path: Path) -> None:
    """Nothing set, and everything set as it should be, raise nothing."""
    check(Settings())
    path = tmp_path / "keys"
    path.write_text("a-key-of-some-length")
    proxies = "10.0.0.0/8, ::1"
    check(Settings(api_key="k, l", api_key_file=path, trusted_proxies=proxies, cors_origins="*"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TRUSTED_PROXIES", "10.0.0.1/8", "DIGITS_TRUSTED_PROXIES must be addresses or networks such as 10"),
        ("TRUSTED_PROXIES", "proxy", "DIGITS_TRUSTED_PROXIES must be addresses or networks such as 10"),
        ("CORS_ORIGINS", "https://a.example/", "DIGITS_CORS_ORIGINS must be . or origins such as https:"),
        ("CORS_ORIGINS", "* https://a.example", "DIGITS_CORS_ORIGINS must be . or origins"),
        ("CORS_ORIGINS", "null", "DIGITS_CORS_ORIGINS must be . or origins"),
        ("API_KEY", " , ", "DIGITS_API_KEY holds no key: leave it out, or write one"),
        ("METRICS_KEY", ",", "DIGITS_METRICS_KEY holds no key: leave it out, or write one"),
    ],
)
def test_bad_settings_end_in_a_sentence(name: str, value: str, words: str) -> None:
    """Each bad value is named, with what would be right; no app is made with it."""
    settings = Settings.from_environment({f"DIGITS_{name}": value})
    for start in (check, create_app):
        with pytest.raises(SettingsError, match=words):
            start(settings)


def test_a_file_without_keys_is_refused(tmp_path: Path) -> None:
    """A file of keys that can't be read must not be taken for no file at all."""
    with pytest.raises(SettingsError, match=r"DIGITS_API_KEY_FILE: .* can't be read: No such file"):
        check(Settings(api_key_file=tmp_path / "keys"))
