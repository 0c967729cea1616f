"""An ablation study: the service races against itself with one of its own parts replaced by a library's.

It imports `benchmarks.serving`, which runs the race; `variants/` and `start.py` run in the server's own
environment and import only the service and its dependencies. Start with `entries.py`, which lists the
variants, and `pieces.py`, which says where each replaced part is.
"""
