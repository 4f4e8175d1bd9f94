"""The web: one address to one file, whole and right or not at all."""
