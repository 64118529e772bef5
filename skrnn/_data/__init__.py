"""X, y and weights: checked, encoded and gathered for an engine."""
