"""Access control: API keys, rate limits, the metrics port, security headers and CORS.

It may import `observability`, `shared_memory`, `problems` and `settings`, never `api` or `server`.
Start with `guard.py`, which checks each request; `validation.py` checks the settings before the start.
"""
