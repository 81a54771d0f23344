"""A library of signals and sequential tests; it knows nothing of HTTP, databases or routing."""
