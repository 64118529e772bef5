"""Helpers independent of networks: files, locks, generators, checks of numbers."""
