"""The microservice: PNG in, digit out, over HTTP. Flask on gunicorn.

It may import `models`, Flask, gunicorn, Pillow, NumPy and prometheus_client, and nothing of `training`. Start
reading in `app.py`, which puts the parts together, then `api/predict.py`; `server/` is the gunicorn worker.
"""

__version__ = "0.1.0"
