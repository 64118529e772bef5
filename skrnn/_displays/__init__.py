"""Plots. Only `plotting` imports matplotlib."""
