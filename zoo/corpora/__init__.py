"""Corpora: from a plugin's dataset to a stored, split, hashed text and its vocabulary."""
