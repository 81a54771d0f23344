"""Bytes of a request body to the raw records in it: decompress, then split."""

from monitor.intake.decompress import decompress
from monitor.intake.split import split

__all__ = ["decompress", "split"]
