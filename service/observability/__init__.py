"""How the service is watched: metrics for Prometheus, one log line per request, Server-Timing, and traces.

It imports shared_memory, images (for what a receipt is), problems and settings; nothing that answers a
request. Start with `instrumentation.py`, which calls the others once for each request.
"""
