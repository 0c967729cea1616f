"""Flask and werkzeug find the route, and Flask looks for asynchronous functions: no cache of routes."""

from flask import Flask

from benchmarks.serving.ablation.pieces import replace


def apply() -> None:
    """Use Flask's own create_url_adapter, whose adapter searches the map for every request."""
    replace("route lookup", Flask.create_url_adapter)
    replace("asynchronous functions", Flask.ensure_sync)
