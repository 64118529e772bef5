"""The loop over epochs, with its checkpoints and callbacks; it knows no engine."""
