"""The variants: a module each, whose `apply()` replaces one part of the service before its server starts.

A module imports the service, the service's dependencies and `pieces.py`, and nothing else.
Start with `gunicorn_parser.py`, the smallest; `entries.py` says how each variant is started.
"""
