"""RNNForecaster: pandas series, windows of many of them, intervals and backtests."""
