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
            "DIGITS_API_KEY_FILE": "/run/secrets/keys",
            "DIGITS_RATE_LIMIT": "0.5",
            "DIGITS_RATE_BURST": "10",
            "DIGITS_TRUSTED_PROXIES": "10.0.0.1, ::1",
            "DIGITS_CORS_ORIGINS": "https://a.example",
            "DIGITS_METRICS_HOST": "::",
            "DIGITS_METRICS_PORT": "82",
            "DIGITS_METRICS_KEY": "m",
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
        api_key_file=Path("/run/secrets/keys"),
        rate_limit=0.5,
        rate_burst=10,
        trusted_proxies="10.0.0.1, ::1",
        cors_origins="https://a.example",
        metrics_host="::",
        metrics_port=82,
        metrics_key="m",
        log_format="text",
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "http", "DIGITS_PORT must be a whole number, not 'http'"),
        ("PORT", "65536", "DIGITS_PORT must be from 0"),
        ("WORKERS", "0", "DIGITS_WORKERS must be from 1 to 128, not 0"),
        ("WORKERS", "129", "DIGITS_WORKERS must be from 1 to 128, not 129"),
        ("THREADS", "-1", "DIGITS_THREADS must be 1 or more"),
        ("MAX_UPLOAD_BYTES", "1e6", "DIGITS_MAX_UPLOAD_BYTES must be a whole number"),
        ("MAX_PIXELS", "0", "DIGITS_MAX_PIXELS must be 1 or more"),
        ("RATE_LIMIT", "many", "DIGITS_RATE_LIMIT must be a number, not 'many'"),
        ("RATE_LIMIT", "0", "DIGITS_RATE_LIMIT must be from 0.001 to 1000000, not 0.0"),
        ("RATE_LIMIT", "nan", "DIGITS_RATE_LIMIT must be from 0.001 to 1000000, not nan"),
        ("RATE_LIMIT", "inf", "DIGITS_RATE_LIMIT must be from 0.001 to 1000000, not inf"),
        ("RATE_BURST", "5", "DIGITS_RATE_BURST needs DIGITS_RATE_LIMIT"),
        ("METRICS_PORT", "0", "DIGITS_METRICS_PORT must be from 1 to 65535, not 0"),
        ("METRICS_PORT", "8080", "DIGITS_METRICS_PORT must be another port than DIGITS_PORT, not 8080"),
        ("METRICS_HOST", "::1", "DIGITS_METRICS_HOST needs DIGITS_METRICS_PORT"),
        ("LOG_FORMAT", "xml", "DIGITS_LOG_FORMAT must be json or text, not 'xml'"),
    ],
)
def test_bad_settings_end_in_a_sentence(name: str, value: str, words: str) -> None:
    """Each bad value is named, with what would be right."""
    with pytest.raises(SettingsError, match=words):
        Settings.from_environment({f"DIGITS_{name}": value})


def test_what_is_set_to_nothing_is_not_set() -> None:
    """Compose and Kubernetes set a variable to nothing where there is nothing to say."""
    names = ["API_KEY", "API_KEY_FILE", "RATE_LIMIT", "RATE_BURST", "TRUSTED_PROXIES", "CORS_ORIGINS"]
    names += ["METRICS_HOST", "METRICS_PORT", "METRICS_KEY"]
    assert Settings.from_environment({f"DIGITS_{name}": "" for name in names}) == Settings()


def test_a_burst_has_its_bounds() -> None:
    """A bucket of nothing would refuse all, and one without end is no limit."""
    for burst in ("0", "1000001"):
        with pytest.raises(SettingsError, match=f"DIGITS_RATE_BURST must be from 1 to 1000000, not {burst}"):
            Settings.from_environment({"DIGITS_RATE_LIMIT": "1", "DIGITS_RATE_BURST": burst})


def test_a_bucket_holds_a_seconds_worth_if_nothing_is_said() -> None:
    """The burst is the rate's own, rounded up, and never nothing."""
    rates = (0.01, 1, 2.5, 100)
    assert [Settings(rate_limit=rate).burst for rate in rates] == [1, 1, 3, 100]
    assert Settings(rate_limit=1, rate_burst=7).burst == 7


def test_where_it_listens() -> None:
    """One address, or two; metrics have the service's host unless they are given another."""
    assert Settings(host="::").addresses == Settings(host="[::]").addresses == ["[::]:8080"]
    assert Settings(metrics_port=81).addresses == ["127.0.0.1:8080", "127.0.0.1:81"]
    assert Settings(metrics_host="10.0.0.1", metrics_port=81).addresses[1] == "10.0.0.1:81"
