"""Reliability tests: load, faults and restarts, during which a client checks every response.

It imports `benchmarks.serving` for processes and payloads, `benchmarks.accuracy` for images, and `models` for
the expected digits; the service runs in its own processes. Start with `load.py`: a scenario is a function of
its duration in seconds, which returns a `Report`; the tests run each for seconds, `make torture` for minutes.
"""
