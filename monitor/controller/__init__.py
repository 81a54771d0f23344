"""From evidence to a verified flip."""
