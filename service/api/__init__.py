"""The HTTP interface: one Flask blueprint a module, and the Open Inference Protocol in `v2`.

It may import `access`, `observability`, `images`, `shared_memory`, `problems` and `settings`, never `server`.
Start with `predict.py`, the way of an image from the request's body to its digit.
"""
