"""Everything that is simulated, section after section."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from detectors.calibration.chapters import CHAPTERS
from detectors.calibration.races import RACES
from detectors.calibration.report import Section
from detectors.calibration.scale import Run

__all__ = ["SECTIONS", "calibrate"]

SECTIONS: Mapping[str, Callable[[Run], Section]] = {**CHAPTERS, **RACES}
"""By name, in the order they are run."""


def calibrate(run: Run, only: Sequence[str] = ()) -> Iterator[Section]:
    """Simulate all sections, or those named, and yield each when it is done.

    Raises:
        ValueError: a name is not a section's.
    """
    unknown = sorted(set(only) - set(SECTIONS))
    if unknown:
        raise ValueError(f"only must name sections of {', '.join(SECTIONS)}; got {', '.join(unknown)}")
    for name, simulate in SECTIONS.items():
        if not only or name in only:
            yield simulate(run)
