"""Dataclasses of arrays whose last axis is the streams: copied, taken apart and put together."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["copied", "joined", "taken"]

T = TypeVar("T")


def copied(columns: T) -> T:
    """Return the same values in arrays of their own."""
    return _made([columns], lambda arrays: arrays[0].copy())


def taken(columns: T, rows: Sequence[int] | NDArray[np.int64]) -> T:
    """Return some of the streams, in the order asked for."""
    chosen = np.asarray(rows, dtype=np.int64)
    return _made([columns], lambda arrays: np.ascontiguousarray(arrays[0][..., chosen]))


def joined(parts: Sequence[T]) -> T:
    """Return the streams of all parts, one part after another. What is no array must be the same in all."""
    return _made(parts, lambda arrays: np.concatenate(arrays, axis=-1))


def _made(parts: Sequence[T], change: Callable[[list[NDArray[Any]]], NDArray[Any]]) -> T:
    """Return the first part with every array changed, those inside its dataclasses, too."""
    first: Any = parts[0]
    new: dict[str, Any] = {}
    for one in fields(first):
        value = getattr(first, one.name)
        if one.init and (isinstance(value, np.ndarray) or is_dataclass(value)):
            values: list[Any] = [getattr(part, one.name) for part in parts]
            new[one.name] = change(values) if isinstance(value, np.ndarray) else _made(values, change)
    changed: T = replace(first, **new)
    return changed
