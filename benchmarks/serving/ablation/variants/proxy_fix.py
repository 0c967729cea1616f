"""werkzeug's ProxyFix finds the client's address: it trusts one proxy, whatever its address."""

from collections.abc import Callable
from functools import partial

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from benchmarks.serving.ablation.pieces import find, replace


def apply() -> None:
    """Take the address that ProxyFix has put into the environ."""
    replace("client address", lambda peer, *_: peer)
    replace("app factory", partial(_behind_proxy, find("app factory")))


def _behind_proxy(create: Callable[[], Flask]) -> Flask:
    app = create()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)  # type: ignore[method-assign]
    return app
