"""All SQL: one store per noun."""
