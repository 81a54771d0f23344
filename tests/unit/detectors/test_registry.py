import pytest

from detectors.errors import DetectorError, UnknownSignalError
from detectors.registry import SIGNALS, all_names, signal


def test_signals_are_found_by_name():
    assert signal("refusal") is SIGNALS["refusal"]
    assert all_names() == list(SIGNALS)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownSignalError, match=r"'refusals'.*schema_validity.*request_error") as caught:
        signal("refusals")
    assert isinstance(caught.value, DetectorError)


def test_the_registry_cannot_be_changed():
    with pytest.raises(TypeError):
        SIGNALS["x"] = SIGNALS["refusal"]
