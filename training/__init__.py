"""The offline program that fits the network. Nothing of it is needed to serve."""
