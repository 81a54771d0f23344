"""Benchmarks: the real service against what PostgreSQL itself can take, measured in one run."""
