"""The engine that computes networks with Keras; only modules of this folder import it."""
