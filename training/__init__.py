"""The training program: it fits the network that the service runs, and writes it to one file.

The files at the top of this folder are a lecture on neural networks; they may import data/, engine/ and
models/, and only evaluation/ and cli/ may import them. Start reading in fit.py, the training loop.
"""
