"""Settings: defaults that work, and sentences for those that can't."""

from pathlib import Path

import pytest

from service.settings import DEFAULT_MODEL, Settings, SettingsError


def test_defaults_work() -> None:
    """Nothing set: the shipped weights, on this machine alone, port 8080."""
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.model == DEFAULT_MODEL
    assert settings.model.is_file()
    assert (settings.host, settings.port, settings.api_key) == ("127.0.0.1", 8080, "")


def test_each_is_read() -> None:
    """Every variable of the contract lands in its field, as its own type; others are left alone."""
    settings = Settings.from_environment(
        {
            "DIGITS_MODEL": "/m.npz",
            "DIGITS_HOST": "0.0.0.0",
            "DIGITS_PORT": "81",
            "DIGITS_WORKERS": "3",
            "DIGITS_THREADS": "5",
            "DIGITS_MAX_UPLOAD_BYTES": "7",
            "DIGITS_MAX_PIXELS": "8",
            "DIGITS_MAX_IMAGES": "9",
            "DIGITS_API_KEY": "k",
            "DIGITS_LOG_FORMAT": "text",
            "HOME": "/",
            "DIGITS_DATA_DIR": "/data",
        }
    )
    assert settings == Settings(
        model=Path("/m.npz"),
        host="0.0.0.0",
        port=81,
        workers=3,
        threads=5,
        max_upload_bytes=7,
        max_pixels=8,
        max_images=9,
        api_key="k",
        log_format="text",
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "http", "DIGITS_PORT must be a whole number, not 'http'"),
        ("PORT", "65536", "DIGITS_PORT must be from 0"),
        ("WORKERS", "0", "DIGITS_WORKERS must be 1 or more, not 0"),
        ("WORKERS", "129", "DIGITS_WORKERS must be 128 or less, not 129"),
        ("THREADS", "-1", "DIGITS_THREADS must be 1 or more"),
        ("MAX_UPLOAD_BYTES", "1e6", "DIGITS_MAX_UPLOAD_BYTES must be a whole number"),
        ("MAX_PIXELS", "0", "DIGITS_MAX_PIXELS must be 1 or more"),
        ("LOG_FORMAT", "xml", "DIGITS_LOG_FORMAT must be json or text, not 'xml'"),
    ],
)
def test_bad_settings_end_in_a_sentence(name: str, value: str, words: str) -> None:
    """Each bad value is named, with what would be right."""
    with pytest.raises(SettingsError, match=words):
        Settings.from_environment({f"DIGITS_{name}": value})
