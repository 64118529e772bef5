"""Estimators as files, without pickle: the table of what a file may hold, and its checks."""
