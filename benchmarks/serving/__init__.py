"""How fast the service answers, beside other frameworks and beside a server that does no work.

It imports the benchmarks' page and, to compute the expected digits, `models`; `rivals/` runs in the servers'
own environments. Start with `entries.py`, which lists the servers, and `race.py`, which runs them in turn.
"""
