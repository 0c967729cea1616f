"""The Open Inference Protocol, version 2, over REST: the API that clients of other model servers speak.

It is part of `api` and may import what `api` may.
Start with `routes.py`; a request then passes `wire_format.py`, `tensors.py` and `inputs_outputs.py`.
"""
