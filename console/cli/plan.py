"""`millstream plan …`: asking the planner directly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from canonical.strict_json import loads
from console.cli.terminal import Exit, Terminal, as_json

Caller = Annotated[Terminal, Parameter(parse=False)]


def case(file: Path, /, *, terminal: Caller) -> Exit:
    """Plan one worked case and print the keys of its answer.

    Parameters
    ----------
    file
        A JSON file of the `mrp-case/1` form.
    """
    from planning.cases import UnknownCaseKind, run_case

    try:
        answer = run_case(_document(file))
    except UnknownCaseKind as error:
        raise ConfigurationError(f"{file}: {error}", hint=terminal.say("plan.case.hint")) from None
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        fault = f"{file}: {type(error).__name__}: {error}"
        raise ConfigurationError(fault, hint=terminal.say("plan.case.hint")) from None
    terminal.answer(answer, lambda: terminal.text(as_json(answer)))
    return Exit.OK


def _document(file: Path) -> dict[str, Any]:
    try:
        content = loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file}: not a JSON object")
    return content
