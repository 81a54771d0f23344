"""Sequential and fixed-sample statistics: pure functions and frozen states."""
