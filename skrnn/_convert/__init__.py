"""Conversion from Keras models, and to ONNX graphs and C headers."""
