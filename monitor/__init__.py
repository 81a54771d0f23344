"""Fullback: watches quantized LLM variants in production and falls back to full precision when they drift."""

__all__ = ["__version__"]

__version__ = "0.1.0"
