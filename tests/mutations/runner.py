"""Runs mutations in a scratch copy of the tree: one at a time, only the named tests."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.mutations.mutation import Mutation, Outcome

_COPIED = ("alerts", "charts", "detectors", "docs", "migrations", "monitor", "tests")
_LITELLM = ".venv-litellm"
"""LiteLLM's own environment, where its tests look for it: linked, as it is large."""
_QUICK = ("-p", "tests.mutations.quick")
_NEED_THE_SERVICE = "tests/integration"
"""Tests elsewhere use no fixture of the service."""
_FAILED = 1
"""What pytest ends with when tests ran and some failed."""


class Scratch:
    """A copy of the tree that is gone at the end."""

    def __init__(self, root: Path, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self.tree = Path(tempfile.mkdtemp(prefix="fullback-mutations-"))
        leave = shutil.ignore_patterns("__pycache__")
        for name in _COPIED:
            shutil.copytree(root / name, self.tree / name, ignore=leave)
        for path in root.iterdir():
            if path.is_file():
                shutil.copy(path, self.tree / path.name)
        if (root / _LITELLM).is_dir():
            (self.tree / _LITELLM).symlink_to((root / _LITELLM).absolute())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.tree, ignore_errors=True)

    def outcome_of(self, one: Mutation) -> tuple[Outcome, str]:
        """Apply a mutation, run its tests and take it back; with the outcome the test that failed."""
        path = self.tree / one.file
        before = path.read_text("utf-8")
        path.write_text(before.replace(one.text, one.becomes), "utf-8")
        try:
            done = self.run(one.tests, self._timeout_s)
        except subprocess.TimeoutExpired:
            return Outcome.CAUGHT, "the time limit"  # an endless loop is noticed
        finally:
            path.write_text(before, "utf-8")
        if done.returncode == _FAILED:
            found = re.search(r"^(?:FAILED|ERROR) ([^\s\[]+)", done.stdout, re.MULTILINE)
            return Outcome.CAUGHT, "" if found is None else found[1]
        passed = done.returncode == 0 and re.search(r"\b\d+ passed\b", done.stdout)  # where all skip nothing is shown
        return (Outcome.SURVIVED if passed else Outcome.BROKEN), ""

    def run(self, tests: Sequence[str], timeout_s: float) -> "subprocess.CompletedProcess[str]":
        """Run tests of the copy; no byte code of another mutation is found."""
        if not any(test.startswith(_NEED_THE_SERVICE) for test in tests):
            tests = ["--noconftest", *tests]  # a third of the time: the service is not imported
        options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", *_QUICK]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self.tree,
            env={**os.environ, "PYTHONPATH": str(self.tree), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
