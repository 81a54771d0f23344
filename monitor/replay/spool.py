"""A file that can be read at any place: what is compressed or streamed is put on the disk first."""

import gzip
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO

from monitor.replay.source import ReplayError

__all__ = ["STANDARD_INPUT", "seekable", "told_name"]

STANDARD_INPUT = "-"


def told_name(path: str) -> str:
    """Return a file's name as problems tell it."""
    return "standard input" if path == STANDARD_INPUT else Path(path).name


def seekable(path: str) -> IO[bytes]:
    """Open a file, ``.gz`` or standard input.

    Raises:
        ReplayError: it cannot be read.
    """
    try:
        if path != STANDARD_INPUT and not path.endswith(".gz"):
            return Path(path).open("rb")
        spool = tempfile.TemporaryFile(prefix="fullback-replay-")  # noqa: SIM115 - the caller closes it
        try:
            if path == STANDARD_INPUT:
                shutil.copyfileobj(sys.stdin.buffer, spool)
            else:
                with gzip.open(path, "rb") as packed:
                    shutil.copyfileobj(packed, spool)
            spool.seek(0)
        except BaseException:
            spool.close()
            raise
    except (OSError, EOFError) as error:
        raise ReplayError(f"{told_name(path)} cannot be read ({type(error).__name__})") from None
    return spool
