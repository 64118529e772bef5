"""Forecasts of pandas series: RNNForecaster, its windows, intervals and backtests."""
