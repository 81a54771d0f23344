"""Simulations that prove the statistical promises: false alarms, delays, intervals, and the rivals beside them."""
