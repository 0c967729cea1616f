"""The network, shared by the training and the service: its layers, its decision, and the file that keeps it.

This package may import NumPy and nothing else; training/ and service/ import it. Start reading in network.py,
then activations.py; store.py reads and writes the weights file digits.npz.
"""
