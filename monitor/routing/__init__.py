"""Route targets: one file per kind of router."""
