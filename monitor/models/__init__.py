"""Frozen domain types, named as in the vocabulary."""
