"""A small real serving cluster with traffic and faults."""
