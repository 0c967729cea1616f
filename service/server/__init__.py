"""A gunicorn worker: one event loop for all connections of a process, and threads for large requests.

It runs any WSGI app and is given what it needs (Limits, two functions that make early responses). It may
import the standard library, gunicorn and service.shared_memory.worker_table, and nothing else of the
service. Start reading in event_loop.py, whose methods follow a request: accept, receive, decide, queue,
answer, send.
"""
