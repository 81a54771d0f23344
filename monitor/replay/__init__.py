"""Replay: the whole pipeline over recorded events under a virtual clock (``fullback replay``)."""
