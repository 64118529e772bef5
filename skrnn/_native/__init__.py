"""The native engine: whole epochs in one call of compiled C."""
