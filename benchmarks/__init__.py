"""The programs that measure the figures of this project's pages, each in one command.

They import `models`, `training`, `service` and `tests`, and nothing imports them except tests. Start with
`page.py`, which writes docs/benchmarks.md, then with the `__main__.py` of the benchmark in question.
"""
