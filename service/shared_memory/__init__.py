"""Memory that the master shares with its workers: who works, what was counted, what was answered lately.

It may import the standard library and prometheus_client's metric families, and nothing of the service.
Start reading in `worker_table.py`: its rows are the rows of `counters.py` too.
"""
