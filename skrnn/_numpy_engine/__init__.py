"""The engine that computes networks with NumPy."""
