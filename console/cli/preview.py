"""`millstream preview MAPPING --record FILE`: one raw record in, its canonical record out, and what came from where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from canonical.strict_json import loads
from console.cli.terminal import Exit, Terminal, as_json, shown

if TYPE_CHECKING:
    from mappings.engine import Rejected

Caller = Annotated[Terminal, Parameter(parse=False)]


def preview(mapping: Path, /, *, record: Path, system: str | None = None, terminal: Caller) -> Exit:
    """Run raw records through a mapping, exactly as the pipeline would.

    Parameters
    ----------
    mapping
        An inbound mapping file.
    record
        A JSON file with one raw record, or a list of them.
    system
        Whose time zone holds; by default the system whose folder the mapping stands in.
    """
    from connectors.registry import discover, load_system
    from mappings.engine import compile_inbound
    from mappings.loading import load_inbound
    from mappings.preview import preview as run

    name = system or mapping.absolute().parent.name
    zone = load_system(name).system.timezone if name in discover() else "UTC"
    compiled = compile_inbound(load_inbound(mapping), zone)
    found = [run(compiled, raw, name) for raw in _records(terminal, record)]
    answer = [
        {
            "record": one.record, "filtered": one.filtered, "unused": list(one.unused), "fields": list(one.origins),
            "rejected": _fault(one.rejected),
        }
        for one in found
    ]  # fmt: skip
    terminal.answer(answer if len(answer) != 1 else answer[0], lambda: _draw(terminal, answer))
    return Exit.FINDINGS if any(one.rejected for one in found) else Exit.OK


def _fault(rejected: Rejected | None) -> dict[str, str] | None:
    if rejected is None:
        return None
    return {"rule": rejected.rule, "path": rejected.path, "message": rejected.message}


def _records(terminal: Terminal, file: Path) -> list[dict[str, Any]]:
    try:
        content = loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}", hint=terminal.say("preview.hint")) from None
    records = content if isinstance(content, list) else [content]
    if not all(isinstance(one, dict) for one in records):
        raise ConfigurationError(terminal.say("preview.objects", file=file), hint=terminal.say("preview.hint"))
    return records


def _draw(terminal: Terminal, answer: list[dict[str, Any]]) -> None:
    for one in answer:
        if one["rejected"]:
            terminal.text("{rule}  {path}: {message}".format(**one["rejected"]), "red")
        elif one["filtered"]:
            terminal.line("preview.filtered")
        terminal.table(
            ("col.field", "col.value", "col.from", "col.functions"),
            [
                (origin.field, terminal.say("preview.absent") if origin.absent else origin.value,
                 as_json(dict(origin.raw)) if len(origin.raw) > 1 else shown(dict(origin.raw)),
                 ", ".join(origin.functions))
                for origin in one["fields"]
            ],
        )  # fmt: skip
        if one["unused"]:
            terminal.line("preview.unused", fields=", ".join(one["unused"]))
