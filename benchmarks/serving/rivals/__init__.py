"""The servers that the service is compared with, each written as its framework's documentation recommends.

Each module runs in an environment of its own, and imports its framework, `models`, and `service.images` through
`reading.py`. Start with `fastapi_onnx.py`; `benchmarks/serving/entries.py` says how each is started.
"""
