"""Tools that know nothing of networks: files, locks, generators, checks of numbers."""
