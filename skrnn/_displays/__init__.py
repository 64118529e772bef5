"""Plots of forecasts, alarms, fits, searches and windows. Only `plotting` imports matplotlib."""
