"""The microservice: PNG in, digit out, over HTTP."""
