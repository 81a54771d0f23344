"""Rules of the code base that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for name in ("monitor", "detectors", "alerts") for path in (ROOT / name).rglob("*.py")]
VAGUE = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py"}
MOST_LINES = 450


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_modules_are_small_and_well_named(path):
    assert path.name not in VAGUE
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name != "__init__.py"], ids=relative)
def test_modules_say_what_they_are_for(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


SQL = re.compile(r"\b(select\s.+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\b", re.IGNORECASE | re.DOTALL)


@pytest.mark.parametrize("path", [p for p in SOURCES if "storage" not in p.parts], ids=relative)
def test_sql_stays_in_storage(path):
    tree = ast.parse(path.read_text("utf-8"))
    docs = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]
    assert not [text for text in texts if SQL.search(text)]


def _has_docstring(node):
    return (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    )


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name != "clock.py"], ids=relative)
def test_only_the_clock_reads_the_time(path):
    names = re.findall(r"\b(?:time\.time|time\.sleep|datetime\.now|datetime\.utcnow)\(", path.read_text("utf-8"))
    assert not names


def test_the_file_of_each_step_can_be_named():
    for step in (
        "monitor/api/ingest.py",
        "monitor/intake/decode.py",
        "monitor/services/ingest.py",
        "monitor/services/writer.py",
        "monitor/services/ticks.py",
        "monitor/services/pair_columns.py",
        "monitor/services/count_columns.py",
        "monitor/services/evaluate.py",
        "monitor/controller/decide.py",
        "monitor/controller/reconcile.py",
        "monitor/controller/verify.py",
        "monitor/services/notify.py",
        "monitor/routing/base.py",
    ):
        assert (ROOT / step).is_file(), step
