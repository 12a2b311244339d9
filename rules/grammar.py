"""`rule-engine`, its grammar's tables read from a file instead of worked out anew in every process.

The library has ply work the tables out while it is imported, which takes 0.4 s of a processor. ply first looks for a
module `parsetab` beside the parser: its own cache, which carries the grammar's signature and is passed over where that
is another. The library ships none and writes none, so one is put in that place, read from `condition_grammar.json`.
With another version of the library the tables are worked out again, as if there were no file.

`python -m rules.grammar` writes the file anew; a test fails where it has to be.
"""

from __future__ import annotations

import sys
from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from canonical.strict_json import dumps, loads

FILE = Path(__file__).with_name("condition_grammar.json")
PLACE = "rule_engine.parser.parsetab"


def tables(kept: dict[str, Any]) -> ModuleType:
    """The module ply expects: states are numbers, productions tuples."""
    module = ModuleType(PLACE)
    for name, said in kept.items():
        setattr(module, name, said)
    for name in ("_lr_action", "_lr_goto"):
        setattr(module, name, {int(state): found for state, found in kept[name].items()})
    module._lr_productions = [tuple(one) for one in kept["_lr_productions"]]  # type: ignore[attr-defined] # noqa: SLF001
    return module


def made_anew() -> str:
    """What the file has to hold for the library that is installed."""
    from rule_engine._vendor.ply import yacc  # noqa: PLC0415 - asked by whoever writes the file, nobody else
    from rule_engine.parser import Parser  # noqa: PLC0415

    sys.modules.pop(PLACE, None)
    with TemporaryDirectory() as folder:
        yacc.yacc(module=Parser(), debug=False, write_tables=True, outputdir=folder)
        made = run_path(str(Path(folder) / "parsetab.py"))
    kept = {name: said for name, said in made.items() if name.startswith("_lr_") or name == "_tabversion"}
    kept["_lr_productions"] = [(*one[:4], None, None) for one in kept["_lr_productions"]]  # not where it was installed
    return dumps(kept) + "\n"


if PLACE not in sys.modules and "rule_engine" not in sys.modules and FILE.exists():
    sys.modules[PLACE] = tables(loads(FILE.read_text(encoding="utf-8")))

import rule_engine  # noqa: E402 - after its tables are in their place
from rule_engine import ast  # noqa: E402

__all__ = ["ast", "rule_engine"]

if __name__ == "__main__":
    FILE.write_text(made_anew(), encoding="utf-8")
