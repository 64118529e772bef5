"""RNNRegressor and RNNClassifier."""
