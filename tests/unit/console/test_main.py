from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console.cli.verbs import VERBS

Call = Any
ROOT = Path(__file__).parents[3]
HEAVY = ("dagster", "great_expectations", "polars", "sqlalchemy", "zeep", "pydantic")


def test_help__imports_nothing_heavy() -> None:
    program = (
        "import sys; from console.cli.main import main; code = main(['--help']);"
        f"print([name for name in {HEAVY} if name in sys.modules], code)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert said.stdout.splitlines()[-1] == "[] 0"


def test_help__speaks_the_language_asked_for(call: Call) -> None:
    assert "集成中枢" in call("--lang", "zh", "--help").out
    assert "集成中枢" in call("--help", MILLSTREAM_LANG="", LANG="zh_CN.UTF-8").out
    assert "Every verb takes --json" in call("--help").out


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb__explains_itself(call: Call, verb: tuple[str, ...]) -> None:
    ended = call(*verb, "--help")
    assert ended.code == 0
    assert "terminal" not in ended.out.lower()


@pytest.mark.parametrize(
    "argv",
    [
        ("nonsense",),
        ("trace",),
        ("outbox", "list", "--state", "gone"),
        ("--lang", "fr", "status"),
        ("run", "--only", "x"),
    ],
)
def test_usage__is_2_with_a_message_on_stderr(call: Call, argv: tuple[str, ...]) -> None:
    ended = call(*argv)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_internal_error__is_101_and_hides_the_traceback(
    call: Call, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("console.cli.status.opened", broken)
    ended = call("status")
    assert ended.code == 101
    assert "a fault of ours" in ended.err
    assert "Traceback" not in ended.err
    assert "Traceback" in call("status", "--debug").err


def test_no_color__leaves_no_escapes(call: Call, told: object) -> None:
    assert "\x1b" not in call("status", NO_COLOR="1", FORCE_COLOR="1").out


def test_a_hub_that_never_ran__is_2_and_makes_no_file(call: Call, home: Path) -> None:
    ended = call("outbox", "list")
    assert ended.code == 2
    assert "env.sh" in ended.err
    assert not home.exists()


def test_an_error_with_json__is_one_object(call: Call, told: object) -> None:
    ended = call("trace", "SO-26-00002", "--json")
    assert ended.code == 2
    assert ended.json["error"]["kind"] == "NotKnown"
    assert "SO-26-00001" in ended.json["error"]["hint"]
