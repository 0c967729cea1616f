"""How well digits are read that do not look like MNIST's: drawings, scans and photos."""
