"""The fuzzer's checks guided by coverage: ``python -m tests.fuzz.guided_intake -max_total_time=600`` (needs atheris).

The first byte chooses the encoding, the second the door, the rest is the body.
"""

import sys

import atheris

with atheris.instrument_imports(include=["monitor.intake", "detectors"]):
    from monitor.intake.doors import DOORS
    from tests.fuzz.fuzz_intake import ENCODINGS, Case, Report, check


def one(sent: bytes) -> None:
    if len(sent) > 2:
        doors = sorted(DOORS)
        check(Case(sent[2:], ENCODINGS[sent[0] % len(ENCODINGS)], doors[sent[1] % len(doors)]), Report())


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
