"""Preprocessing: windows of series, and token ids of documents."""
