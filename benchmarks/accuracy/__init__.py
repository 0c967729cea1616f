"""Measure how well the service reads digits that do not look like MNIST's: drawings, scans and photos."""
