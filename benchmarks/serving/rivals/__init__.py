"""The servers that the service is compared with, each written as its framework's documentation recommends.

Each module runs in an environment of its own; it imports its framework and, through `reading.py`, the network
and `service.images`. Start with `fastapi_onnx.py`; `benchmarks/serving/entries.py` says how each is started.
"""
