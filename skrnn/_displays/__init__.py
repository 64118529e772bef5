"""Pictures; only `plotting` imports matplotlib."""
