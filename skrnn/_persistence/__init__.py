"""Estimators as files, without pickle: what a file may hold, and how it is checked."""
