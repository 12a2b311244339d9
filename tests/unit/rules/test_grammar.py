"""The tables of the condition language are read, not worked out, and only as long as they are the library's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SAYS = 'rule_engine.Rule("quantity > 3 and not urgent").matches({"quantity": 4, "urgent": False})'
COUNTED = """
import cProfile, pstats, sys
profile = cProfile.Profile()
profile.enable()
"""
ASKED = f"""
profile.disable()
assert {SAYS}
print(any(name == "lr_parse_table" for _, _, name in pstats.Stats(profile).stats))
"""


def said(program: str) -> str:
    """What a new process prints."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_tables__are_read_and_nothing_is_worked_out() -> None:
    assert said(f"{COUNTED}from rules.grammar import rule_engine{ASKED}") == "False"
    assert said(f"{COUNTED}import rule_engine{ASKED}") == "True", "what is counted is what takes the time"


def test_tables__of_another_grammar_are_passed_over() -> None:
    another = """
from canonical.strict_json import loads
from rules import grammar
kept = loads(grammar.FILE.read_text())
for name in [name for name in sys.modules if name.split(".")[0] == "rule_engine"]:
    del sys.modules[name]
sys.modules[grammar.PLACE] = grammar.tables({**kept, "_lr_signature": "another", "_lr_action": {}})
import rule_engine
"""
    assert said(f"{COUNTED}{another}{ASKED}") == "True"


def test_tables__are_those_of_the_library_that_is_installed() -> None:
    program = "from rules.grammar import FILE, made_anew; print(FILE.read_text(encoding='utf-8') == made_anew())"
    assert said(program) == "True", "write them anew: python -m rules.grammar"
