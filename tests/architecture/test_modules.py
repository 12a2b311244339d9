"""Modules and functions stay small, say why they exist, and keep away from what is forbidden everywhere."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = (
    "assets", "canonical", "connectors", "console", "mappings", "mdm", "orchestration",
    "pipeline", "planning", "quality", "rules", "sandbox", "store",
)  # fmt: skip
_LEFT_OUT = {"__pycache__", "node_modules", "build", "dist"}


def _modules(*rooms: str) -> Iterator[Path]:
    """Every Python module of the rooms, migrations left out: they are generated and never edited."""
    for room in rooms or ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "versions" not in path.parts:
                yield path


@cache
def _tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _shown(path: Path) -> str:
    """The path as a person would name it."""
    return path.relative_to(ROOT).as_posix()


def _text_files() -> Iterator[Path]:
    """Every text file of the project; environments, caches and whatever else begins with a point are left out."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and _ours(name)]
        for name in files:
            if not name.endswith((".sqlite", ".parquet", ".png", ".gz")):
                yield Path(folder) / name


def _ours(name: str) -> bool:
    return (not name.startswith(".") or name == ".ci") and not name.endswith(".egg-info")


LONGEST_MODULE = 500
LONGEST_FUNCTION = 50
MODULES = [pytest.param(path, id=_shown(path)) for path in _modules()]


@pytest.mark.parametrize("path", MODULES)
def test_module__says_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(_tree(path))


@pytest.mark.parametrize("path", MODULES)
def test_module__is_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    functions = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    too_long = {node.name: _lines(node) for node in functions if _lines(node) > LONGEST_FUNCTION}
    assert not too_long


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", MODULES)
def test_module__evaluates_no_text(path: Path) -> None:
    called = [node.func for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    assert not [func for func in called if isinstance(func, ast.Name) and func.id in {"eval", "exec"}]


@pytest.mark.parametrize("path", [pytest.param(path, id=_shown(path)) for path in _modules("assets")])
def test_asset_module__keeps_its_annotations(path: Path) -> None:
    """Dagster reads a step's context annotation at run time; as text it refuses the step."""
    imported = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.ImportFrom)]
    assert "__future__" not in [node.module for node in imported]


def test_project__names_no_package_registry() -> None:
    """Where packages come from is the machine's choice: no lock and no script decides it."""
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs", "org"))]
    named = {
        _shown(path): host
        for path in _text_files()
        for host in hosts
        if host in path.read_text(encoding="utf-8", errors="replace")
    }
    assert not named
