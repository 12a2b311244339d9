"""`millstream plan case`: one worked case through the planner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from canonical.json_places import parse
from canonical.strict_json import MAX_BYTES
from canonical.strict_yaml import checked, read_text
from console.cli.terminal import Exit, Terminal, as_json

if TYPE_CHECKING:
    from canonical.strict_yaml import Document

Caller = Annotated[Terminal, Parameter(parse=False)]


def case(file: Path, /, *, terminal: Caller) -> Exit:
    """Plan one worked case and print the keys of its answer.

    Parameters
    ----------
    file
        A JSON file of the `mrp-case/1` form.
    """
    document = parse(read_text(file, most=MAX_BYTES), str(file))
    answer = _answered(document, terminal)
    terminal.answer(answer, lambda: terminal.text(as_json(answer)))
    return Exit.OK


def _answered(document: Document, terminal: Terminal) -> Any:  # noqa: ANN401 - JSON
    from planning.cases.amounts import CaseRefused
    from planning.cases.running import form_of, left_out, run_case

    if not isinstance(document.values, dict):
        raise ConfigurationError(faults=(document.fault((), "not a JSON object", terminal.say("plan.case.hint")),))
    try:
        form = checked(document, form_of(document.values))
        answer = run_case(form)
    except CaseRefused as error:
        faults = tuple(document.fault(one.path, one.message, one.hint) for one in error.faults)
        raise ConfigurationError(faults=faults) from None
    for path, message in left_out(form):
        said = terminal.told(str(document.fault(path, message)))
        terminal.complain(said or message, "yellow")
    return answer
