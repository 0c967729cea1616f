"""How fast the training runs: beside the libraries that people would use instead, and beside its floor."""
