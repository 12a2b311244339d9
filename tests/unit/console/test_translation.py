"""What the rooms say in English reaches a Chinese reader in Chinese."""

from __future__ import annotations

import ast
import importlib
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docstring_parser import parse

from canonical import errors
from canonical.errors import AuthenticationFailed, ConfigurationError, Fault, MillstreamError, SystemUnavailable
from console.cli.explanations import EXPLANATIONS
from console.cli.terminal import Terminal
from console.cli.verbs import VERBS, Name
from console.words.errors import explained
from console.words.sentences import CLASSES, SENTENCES
from console.words.translation import translated
from console.words.words import Words

Call = Any
ROOT = Path(__file__).parents[3]
ROOMS = ("canonical", "connectors", "mappings", "quality", "mdm", "rules", "store", "pipeline", "console")
LEAST_SHARE = 0.75
"""New sentences come with new rooms; a share below this means that nobody translates them any more."""


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("wms: cannot connect (ConnectionError)", "wms：无法连接（ConnectionError）"),
        ("6 attempts failed; the last: cannot connect (Timeout)", "6 次尝试均失败；最后一次：无法连接（Timeout）"),
        ("name must have a value; quantity must be at least 0", "名称不得为空；数量不得小于 0"),
        ("DW-7 must have a value", "DW-7 不得为空"),
        ("item must name an existing item", "物料所指的物料不存在"),
        ("item '02.00' is not known (yet)", "物料 '02.00' 未知（或尚未出现）"),
        ("a.yaml:3:1 unknown key 'x'. Did you mean 'y'?", "a.yaml:3:1：未知的键 'x'。是否指 'y'？"),
        ("crm: log-in answered 401 (check CRM_ID)", "crm：登录应答 401（请检查 CRM_ID）"),
        ("quantity_positive: quantity must be above zero", "数量为正：数量须大于零"),
        ("NOT_CHANGEABLE The shipment is SHIPPED", None),
        ("", None),
    ],
)
def test_translated__finds_sentences_inside_longer_texts(english: str, chinese: str | None) -> None:
    assert translated(english) == chinese


@pytest.mark.parametrize("english", SENTENCES)
def test_a_sentence__has_no_blank_that_the_english_lacks(english: str) -> None:
    blanks = {int(name) for _, name, _, _ in string.Formatter().parse(SENTENCES[english]) if name is not None}
    assert blanks <= set(range(english.count("{}")))


def _errors() -> Iterator[type[MillstreamError]]:
    for one in vars(errors).values():
        if isinstance(one, type) and issubclass(one, MillstreamError):
            yield one


@pytest.mark.parametrize("kind", tuple(_errors()), ids=lambda kind: str(kind.__name__))
def test_an_error__says_in_chinese_what_its_class_means(kind: type[MillstreamError]) -> None:
    assert any(base.__name__ in CLASSES for base in kind.__mro__)
    assert translated(str(kind())) is not None


def test_told__an_unknown_sentence_comes_after_what_its_class_means() -> None:
    terminal = Terminal.open(Words("zh"), {})
    assert explained(terminal.words, AuthenticationFailed("no such realm", system="crm")).startswith(
        "crm：对方拒绝我方凭据"
    )
    assert "no such realm" in explained(terminal.words, AuthenticationFailed("no such realm", system="crm"))
    assert explained(terminal.words, SystemUnavailable("cannot connect (X)", system="crm")) == "crm：无法连接（X）"
    fault = ConfigurationError(faults=(Fault("a.yaml", 1, 2, "key 'x' stands twice"),))
    assert explained(terminal.words, fault) == "a.yaml:1:2：键 'x' 重复"
    assert explained(Words("en"), fault) == "a.yaml:1:2 key 'x' stands twice"


RAISED = {name.__name__ for name in _errors()} | {"Fault", "fault"}


def _said() -> Iterator[str]:
    """Every message and hint written where an error is made, blanks as `{}`."""
    for file in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in RAISED:
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    text = _text(argument)
                    if " " in text.replace("{}", "").strip(" :"):
                        yield text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_what_the_rooms_say__has_its_chinese() -> None:
    said = set(_said())
    missing = sorted(text for text in said if translated(text.replace("{}", "x")) is None)
    assert len(missing) <= (1 - LEAST_SHARE) * len(said), missing


@pytest.mark.parametrize("name", VERBS, ids=" ".join)
def test_help__explains_every_parameter_in_chinese(name: Name) -> None:
    module, _, function = VERBS[name].target.partition(":")
    described = parse(getattr(importlib.import_module(module), function).__doc__ or "").params
    assert [one.description for one in described if one.description not in EXPLANATIONS] == []


def test_help__in_chinese_mode_shows_them(call: Call) -> None:
    shown = call("outbox", "list", "--help", "--lang", "zh").out
    assert "最多条数。（默认：50）" in shown
    assert "--empty" not in shown


def test_a_usage_error__reads_chinese(call: Call) -> None:
    assert "可选" in call("run", "--only", "x", "--lang", "zh").err
    assert "缺少 ORDER" in call("trace", "--lang", "zh").err
