"""The console."""

from fastapi import FastAPI

__all__ = ["install"]


def install(app: FastAPI) -> None:
    """Install the pages."""
