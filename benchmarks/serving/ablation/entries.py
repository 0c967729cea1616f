"""The variants: how each is started, and which server it is compared with.

The service as it is races twice. The ratio of these two is the noise: a variant whose ratio is as near to 1
does not measurably differ from the service.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.serving.entries import CONNECTIONS, FORMS, OUR_PACKAGES, OUR_SETTINGS, Cell, Entry, Takes
from benchmarks.serving.payloads import BROWSER_FIELDS

CONFIG = ("--config", "service/gunicorn.conf.py")
BASELINE, PROXIED = "as_it_is", "as_it_is_proxied"
# By form, and by the kind of head.
HEADS = {"wrk": "", "browser": "-browser"}
ALL_FORMS = tuple(f"{form}{suffix}" for suffix in HEADS.values() for form in FORMS)
# A rate that no run reaches: each request takes a token, and none is refused.
PROXIED_SETTINGS = {
    "DIGITS_TRUSTED_PROXIES": "127.0.0.1",
    "DIGITS_RATE_LIMIT": "1000000",
    "DIGITS_RATE_BURST": "1000000",
}
PROXIED_FIELDS = {"X-Forwarded-For": "203.0.113.7"}


class Variant(NamedTuple):
    """A server of this study.

    text          what it does instead
    module        its module in variants/, or "" if nothing is replaced
    variables     of its environment; {folder} is filled in
    proxied       whether it stands behind a trusted proxy, and is compared with one that does, too
    """

    text: str
    module: str = ""
    variables: Mapping[str, str] = {}
    proxied: bool = False

    @property
    def baseline(self) -> str:
        """The server that it is compared with."""
        return PROXIED if self.proxied else BASELINE


VARIANTS = {
    BASELINE: Variant("the service as it is"),
    "as_it_is_again": Variant("the same once more: the noise"),
    "stock_gthread": Variant(
        "gunicorn's gthread instead of our event loop",
        variables={"DIGITS_WORKER_CLASS": "gthread", "DIGITS_THREADS": "4"},
    ),
    "gunicorn_parser": Variant("gunicorn's parser for every request head", "gunicorn_parser"),
    "no_micro_batching": Variant("a forward pass for each request", "no_micro_batching"),
    "werkzeug_routing": Variant("Flask's own route lookup and ensure_sync", "werkzeug_routing"),
    "werkzeug_multipart": Variant("werkzeug's parser for every form", "werkzeug_multipart"),
    "prometheus_multiprocess": Variant(
        "prometheus_client's files instead of our counters",
        "prometheus_multiprocess",
        variables={"PROMETHEUS_MULTIPROC_DIR": "{folder}"},
    ),
    "pillow_png": Variant("Pillow's own PNG reader", "pillow_png"),
    PROXIED: Variant("the service behind a trusted proxy, with a rate limit", proxied=True),
    "proxy_fix": Variant("werkzeug's ProxyFix instead of trusted networks", "proxy_fix", proxied=True),
}


def entries(names: Iterable[str]) -> dict[str, Entry]:
    """Return the entries of these variants and of their baselines, in the order of VARIANTS."""
    chosen = {*names}
    chosen |= {VARIANTS[name].baseline for name in chosen}
    return {name: _entry(variant) for name, variant in VARIANTS.items() if name in chosen}


def _entry(variant: Variant) -> Entry:
    program = (
        ("-m", "benchmarks.serving.ablation.start", variant.module) if variant.module else ("-m", "gunicorn")
    )
    settings = OUR_SETTINGS | (PROXIED_SETTINGS if variant.proxied else {}) | dict(variant.variables)
    return Entry(
        variant.text,
        "serve",
        ("python", *program, *CONFIG),
        {
            f"{form}{suffix}": Takes(form, "/predict", _fields(variant, browser=bool(suffix)))
            for suffix in HEADS.values()
            for form in FORMS
        },
        OUR_PACKAGES,
        settings,
        pair=True,
    )


def _fields(variant: Variant, *, browser: bool) -> dict[str, str]:
    return (BROWSER_FIELDS if browser else {}) | (PROXIED_FIELDS if variant.proxied else {})


def cells(forms: Sequence[str] = ALL_FORMS, connections: Sequence[int] = CONNECTIONS) -> list[Cell]:
    """Return all cells of these forms and numbers of connections."""
    return [(form, number) for form in forms for number in connections]
