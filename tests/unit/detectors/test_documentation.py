"""Examples in docstrings and the README run, and the README's tables are complete."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import detectors
from detectors.registry import SIGNALS
from detectors.types import SignalKind

README = (Path(detectors.__file__).parent / "README.md").read_text(encoding="utf-8")
MODULES = [each.name for each in pkgutil.walk_packages(detectors.__path__, "detectors.")]
STATISTICS = [name.rsplit(".", 1)[1] for name in MODULES if name.startswith("detectors.stats.")]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_are_true(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_public_name_exists():
    for name in MODULES:
        module = importlib.import_module(name)
        missing = [public for public in getattr(module, "__all__", []) if not hasattr(module, public)]
        assert missing == [], name


def test_the_readme_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102  # our own text
    assert names["alarm"] is None
    assert names["state"].pairs == 100


@pytest.mark.parametrize("name", SIGNALS)
def test_every_signal_is_in_the_table_with_its_margin(name):
    (row,) = re.findall(rf"^\| `{name}` \|.*$", README, flags=re.MULTILINE)
    margin = SIGNALS[name].default_margin
    is_bit = SIGNALS[name].kind is SignalKind.BIT
    assert (f"{margin.absolute:.1%}" if is_bit else f"{margin.relative:.0%}").rstrip("%") in row


@pytest.mark.parametrize("name", STATISTICS)
def test_every_statistic_is_in_the_table(name):
    assert f"| `{name}` |" in README
