"""What went wrong, said so that the reader knows what to do next; and the exit code that says it to a script."""

from __future__ import annotations

import traceback

from canonical.errors import (
    CommandUndeliverable,
    ConfigurationError,
    MillstreamError,
    OutcomeUnknown,
    StreamHalted,
    TransientError,
)
from console.cli.terminal import Exit, Terminal, as_json
from console.words.errors import explained


class NotKnown(MillstreamError):
    """Nothing is known under this name."""


class NotAllowed(MillstreamError):
    """The caller's role does not allow this."""


_ENDS: tuple[tuple[type[MillstreamError], Exit], ...] = (
    (ConfigurationError, Exit.USAGE),
    (NotKnown, Exit.USAGE),
    (NotAllowed, Exit.USAGE),
    (TransientError, Exit.UNREACHABLE),
    (StreamHalted, Exit.UNREACHABLE),
    (CommandUndeliverable, Exit.PARKED),
    (OutcomeUnknown, Exit.PARKED),
    (MillstreamError, Exit.FINDINGS),
)


def explain(terminal: Terminal, error: Exception) -> Exit:
    """Say what happened on stderr (and as JSON where asked for); a traceback only for who debugs."""
    end = next((end for kind, end in _ENDS if isinstance(error, kind)), Exit.INTERNAL)
    if terminal.json:
        terminal.out.file.write(as_json({"error": _described(error), "exit": int(end)}) + "\n")
    if terminal.debug:
        terminal.complain("".join(traceback.format_exception(error)), "")
    elif end is Exit.INTERNAL:
        terminal.complain(terminal.say("internal", kind=type(error).__name__, message=error))
    else:
        terminal.complain(explained(terminal.words, error))
    return end


def _described(error: Exception) -> dict[str, object]:
    if not isinstance(error, MillstreamError):
        return {"kind": type(error).__name__, "message": str(error)}
    faults = [
        {"file": one.file, "line": one.line, "column": one.column, "message": one.message, "hint": one.hint}
        for one in getattr(error, "faults", ())
    ]
    return {
        "kind": type(error).__name__, "message": error.message, "hint": error.hint, "system": error.system,
        "entity": error.entity, "key": error.key, "faults": faults,
    }  # fmt: skip
