"""The microservice: PNG in, digit out, over HTTP."""

__version__ = "0.1.0"
