"""`millstream probe SYSTEM [STREAM]`: can we reach it, log in and read, how fast, and what a record looks like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter

from canonical.strict_yaml import suggest
from console.cli.failures import NotKnown
from console.cli.state import now, settings_of
from console.cli.terminal import Exit, Terminal, as_json

Caller = Annotated[Terminal, Parameter(parse=False)]
SHOWN_RECORDS = 3
SHOWN_FAULTS = 20
SHOWN_VALUES = 5
"""More values than these of one fault are shown by one of them."""


def probe(system: str, stream: str | None = None, /, *, values: bool = False, terminal: Caller) -> Exit:
    """Reach a system, log in and read one page; with a stream, show the shape of its records.

    Parameters
    ----------
    system
        The connector folder's name.
    stream
        One of its streams.
    values
        Show the values themselves; by default only their kind and length, so that the output may be shared.
    """
    from connectors.registry import open_connector

    connector = open_connector(system, terminal.environ, redis_url=settings_of(terminal).redis_url)
    try:
        if stream is not None and stream not in connector.streams:
            known = ", ".join(connector.streams)
            raise NotKnown(
                terminal.say("probe.stream", given=stream, known=known), system=system,
                hint=suggest(stream, connector.streams),
            )  # fmt: skip
        terminal.progress("probe.asking", system=system)
        result = connector.probe(now())
        whole = result.clock_skew_seconds is not None
        page = next(iter(connector.read(stream)), None) if stream and whole else None
    finally:
        connector.close()
    records = [dict(record) for record in (page.records if page else ())]
    answer: dict[str, Any] = {
        "system": system, "reachable": result.reachable, "usable": whole, "timings_ms": dict(result.timings),
        "clock_skew_seconds": result.clock_skew_seconds, "message": result.message,
    }  # fmt: skip
    if stream is not None:
        kept = records[:SHOWN_RECORDS]
        answer |= {"stream": stream, "records": len(records), "page": kept if values else [shape(one) for one in kept]}
        answer |= _paged(system, stream)
        answer["mapped"] = list(_mapped(system, stream, records)) if whole else []
    terminal.answer(answer, lambda: _draw(terminal, answer))
    if not whole:
        return Exit.UNREACHABLE
    return Exit.FINDINGS if any(one["missing"] for one in answer.get("mapped", ())) else Exit.OK


def _paged(system: str, stream: str) -> dict[str, int | None]:
    """How many records a page shall hold, where a shorter one counts as the last, and the first page's number."""
    from connectors.registry import load_system

    paging = load_system(system).system.streams[stream].paging
    return {"page_limit": getattr(paging, "limit", None), "first_page": getattr(paging, "first", None)}


def _mapped(system: str, stream: str, records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the mappings of this stream make of the records that were read: how many, and what each refusal is about."""
    from connectors.registry import load_system
    from mappings.engine import compile_inbound
    from mappings.loading import load_system as load_mappings
    from mappings.preview import preview
    from pipeline.hub import MAPPINGS

    zone = load_system(system).system.timezone
    for spec in load_mappings(MAPPINGS / system).inbound:
        if spec.stream == stream:
            found = [preview(compile_inbound(spec, zone), record, system) for record in records]
            missing = Counter(said for one in found if one.rejected for said in one.rejected.message.split("; "))
            yield {
                "entity": spec.entity, "records": len(found), "mapped": sum(one.record is not None for one in found),
                "passed_over": sum(one.filtered for one in found),
                "missing": gathered(missing)[:SHOWN_FAULTS],
            }  # fmt: skip


def gathered(missing: Counter[str]) -> list[dict[str, Any]]:
    """What is missing, most records first; a fault that names another value with each record stands once."""
    alike: dict[str, list[str]] = {}
    for message, _ in missing.most_common():
        alike.setdefault(message.rpartition(": '")[0] or message, []).append(message)
    found = [
        {"message": one, "records": missing[one], "values": 1}
        for group in alike.values() if len(group) <= SHOWN_VALUES for one in group
    ]  # fmt: skip
    found += [
        {"message": group[0], "records": sum(missing[one] for one in group), "values": len(group)}
        for group in alike.values() if len(group) > SHOWN_VALUES
    ]  # fmt: skip
    return sorted(found, key=lambda fault: -fault["records"])


def _draw(terminal: Terminal, answer: dict[str, Any]) -> None:
    steps = ("connect", "log_in", "read")
    timings = answer["timings_ms"]
    rows = [(terminal.say(f"probe.{step}"), f"{timings[step]:.0f} ms" if step in timings else "✗") for step in steps]
    terminal.table(("col.step", "col.took"), rows, right=[1])
    if answer["message"]:
        terminal.text(terminal.told(answer["message"]) or "", "red")
    if answer["clock_skew_seconds"] is not None:
        terminal.line("probe.skew", seconds=f"{answer['clock_skew_seconds']:.1f}")
    if "page" in answer and answer["usable"]:
        terminal.line("probe.page", stream=answer["stream"], count=answer["records"])
        terminal.text(as_json(answer["page"]))
        if answer["first_page"] is not None and not answer["records"]:
            terminal.line("probe.none", first=answer["first_page"], other=1 - answer["first_page"])
        elif answer["page_limit"] is not None and answer["records"] < answer["page_limit"]:
            terminal.line("probe.short", count=answer["records"], limit=answer["page_limit"])
    for one in answer.get("mapped", ()):
        terminal.line("probe.mapped", **{name: one[name] for name in ("entity", "mapped", "records")})
        if one["passed_over"]:
            terminal.line("probe.passed", count=one["passed_over"])
        if one["missing"]:
            terminal.line("probe.missing")
            terminal.table(
                ("col.said", "col.records"),
                [(_said(terminal, fault), fault["records"]) for fault in one["missing"]],
                right=[1],
            )


def _said(terminal: Terminal, fault: dict[str, Any]) -> str:
    told = terminal.told(fault["message"]) or ""
    more = fault["values"] - 1
    return f"{told} {terminal.say('probe.more', count=more)}" if more else told


def shape(value: object) -> Any:  # noqa: ANN401 - any of JSON's types
    """A value without its content: `text(12)`, `number`, lists by their first record."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(value[0]), f"… {len(value)}"] if value else []
    if value is None or isinstance(value, bool):
        return value
    return f"text({len(value)})" if isinstance(value, str) else "number"
