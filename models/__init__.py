"""The network: its arrays, the few lines that apply them, and the file that keeps them. NumPy alone."""
