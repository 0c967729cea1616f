"""The command line: predictions for files without a server, and a check of the configuration.

It imports `models`, `service.images`, `service.settings` and `service.access.keys`, but neither Flask nor
metrics, so that it starts quickly. Start with `main.py`, which has the commands and their options.
"""
