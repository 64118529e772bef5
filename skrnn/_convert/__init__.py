"""Networks of other libraries: Keras models read, ONNX graphs written."""
