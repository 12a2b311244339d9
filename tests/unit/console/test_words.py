from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import cli
from console.cli.verbs import VERBS
from console.words.phrases import PHRASES
from console.words.words import Words, language_of

SAYING = {"say", "line", "heading", "progress"}


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", PHRASES)
def test_a_sentence__has_the_same_blanks_in_both_languages(key: str) -> None:
    english, chinese = PHRASES[key]
    assert english
    assert chinese
    assert _fields(english) == _fields(chinese)


def _said() -> Iterator[str]:
    """Every key some verb names literally."""
    for file in Path(str(cli.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAYING:
                if node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value:
                    yield str(node.args[0].value)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("col."):
                yield node.value


def test_every_key_that_is_said__stands_in_the_catalogue() -> None:
    wanted = {*_said(), *(f"help.{'.'.join(name)}" for name in VERBS), *(f"help.{name[0]}" for name in VERBS)}
    assert {key for key in wanted if key not in PHRASES and key != "col."} == set()


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C", "MILLSTREAM_LANG": "zh"}, "zh"),
    ],
)
def test_language_of__the_nearest_setting_wins(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language


def test_say__fills_in() -> None:
    assert Words("zh").say("outbox.approved", count=3) == "已批准 3 条指令"
