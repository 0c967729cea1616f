"""The command line: predictions for files without a server, and a check of the configuration.

It may import `models`, `images`, `settings` and the validation in `access`, but neither Flask nor metrics, so
that it starts quickly. Start reading in `main.py`, which has the commands and their options.
"""
