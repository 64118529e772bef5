"""What comes before a network: rows of series as windows, documents as token ids."""
