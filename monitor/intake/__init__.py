"""Bytes to events: decoding, then one file per dialect."""
