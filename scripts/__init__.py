"""Programs for maintainers: they write openapi.json, the pictures in docs/ and the list of licences.

They may import everything, also `tests`; neither `service` nor `training` imports them. `make help` lists the
commands. Start reading in walkthrough_plots.py, whose colours and style the other pictures share.
"""
