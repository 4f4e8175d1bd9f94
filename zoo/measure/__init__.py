"""Measures: which model is better, and at what."""
