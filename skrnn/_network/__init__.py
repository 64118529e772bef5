"""A network as data: its architecture, parameters and penalties, without Keras."""
