"""One file per signal: what is read off one exchange."""
