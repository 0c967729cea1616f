"""Programs that a maintainer runs: they write openapi.json, the pictures in docs/ and the list of licences.

`make help` names the command of each; nothing in the service or the training imports them.
"""
