"""Errors of the detector library."""

__all__ = ["DetectorError", "UnknownSignalError"]


class DetectorError(Exception):
    """Root of the library's errors."""


class UnknownSignalError(DetectorError):
    """A signal name is not registered; the message lists the known ones."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"unknown signal {name!r}; known: {', '.join(known)}")
