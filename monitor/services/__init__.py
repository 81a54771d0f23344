"""Rules: what happens to events, ticks and alerts."""
