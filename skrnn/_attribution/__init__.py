"""Attributions: how much each value of an input adds to an output."""
