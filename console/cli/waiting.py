"""`millstream quarantine`, `conflicts`: what waits for people."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from cyclopts import Parameter

from canonical.errors import MillstreamError
from canonical.strict_json import loads
from console.cli.failures import NotKnown
from console.cli.state import opened
from console.cli.terminal import Exit, Terminal, as_json
from store import conflicts, quarantine
from store.conflicts import Conflict
from store.quarantine import QuarantineRow

Caller = Annotated[Terminal, Parameter(parse=False)]


def quarantine_list(
    *,
    stage: str | None = None,
    system: str | None = None,
    entity: str | None = None,
    rule: str | None = None,
    limit: int = 100,
    terminal: Caller,
) -> Exit:
    """List the records that cannot be used, each with the rule it breaks.

    Parameters
    ----------
    stage
        Only those held by this stage: conform, reconcile or judge.
    system
        Only records of this system; `golden` for golden records.
    entity
        Only records of this entity.
    rule
        Only records that break this rule.
    limit
        At most so many.
    """
    with opened(terminal) as store, store.read() as tx:
        found = quarantine.listed(tx, stage=stage, system=system, entity=entity, rule=rule)
    terminal.answer([_row(one) for one in found[:limit]], lambda: _draw_quarantine(terminal, found, limit))
    return Exit.OK


def _row(one: QuarantineRow) -> dict[str, Any]:
    rejection = one.rejection
    return {
        "stage": one.stage, "system": one.system, "entity": one.entity, "source_key": rejection.source_key,
        "rule": rejection.rule, "path": rejection.path, "message": rejection.message, "state": one.state.value,
        "first_seen": one.first_seen, "last_seen": one.last_seen,
    }  # fmt: skip


def _draw_quarantine(terminal: Terminal, found: list[QuarantineRow], limit: int) -> None:
    from console.words.field_names import broken

    columns = ("col.stage", "col.system", "col.entity", "col.key", "col.rule", "col.path", "col.said", "col.since")
    terminal.table(
        columns,
        [
            (
                terminal.term(one.stage), terminal.term(one.system), terminal.term(one.entity),
                one.rejection.source_key, one.rejection.rule, one.rejection.path,
                broken(terminal.words, one.rejection.message), one.first_seen,
            )
            for one in found[:limit]
        ],
    )  # fmt: skip
    rules = Counter(one.rejection.rule for one in found).most_common()
    terminal.line("quarantine.total", shown=min(limit, len(found)), total=len(found))
    if rules:
        terminal.line("quarantine.rules", rules=", ".join(f"{count} {rule}" for rule, count in rules))


def quarantine_show(key: str, /, *, entity: str | None = None, system: str | None = None, terminal: Caller) -> Exit:
    """Show one record in quarantine: every rule it breaks, and its payload.

    Parameters
    ----------
    key
        The record's source key.
    entity
        Its entity, where the key alone names several.
    system
        Its system, where the key alone names several.
    """
    with opened(terminal) as store, store.read() as tx:
        found = [one for one in quarantine.listed(tx, entity=entity, system=system) if one.rejection.source_key == key]
    if not found:
        raise NotKnown(terminal.say("quarantine.unknown", key=key), hint="millstream quarantine list")
    answer = [{**_row(one), "payload": payload_of(one.rejection.payload)} for one in found]
    terminal.answer(answer, lambda: _draw_records(terminal, answer))
    return Exit.OK


def payload_of(payload: object) -> object:
    """A payload as it stands in quarantine; text that is JSON is read."""
    if not isinstance(payload, str):
        return payload
    try:
        return loads(payload)
    except (ValueError, MillstreamError):
        return payload


def _draw_records(terminal: Terminal, answer: list[dict[str, Any]]) -> None:
    from console.words.field_names import broken

    for row in answer:
        stage, entity = terminal.term(row["stage"]), terminal.term(row["entity"])
        terminal.text(f"{stage}  {row['system']}/{entity}  {row['source_key']}", "bold")
        terminal.text(f"{row['rule']}  {row['path']}: {broken(terminal.words, row['message'])}")
        terminal.text(as_json(row["payload"]))


def conflicts_list(*, entity: str | None = None, limit: int = 100, terminal: Caller) -> Exit:
    """List the attributes on which systems disagree, the oldest first.

    Parameters
    ----------
    entity
        Only golden records of this entity.
    limit
        At most so many.
    """
    with opened(terminal) as store, store.read() as tx:
        found = conflicts.listed(tx, entity)
    columns = ("col.entity", "col.golden", "col.attribute", "col.conflict", "col.said", "col.chosen", "col.since")

    def draw() -> None:
        rows = [
            (
                terminal.term(one.entity),
                one.golden_id,
                terminal.term(one.attribute),
                *_disagreement(terminal, one),
                one.since,
            )
            for one in found[:limit]
        ]
        terminal.table(columns, rows)
        terminal.line("conflicts.total", shown=min(limit, len(found)), total=len(found))

    terminal.answer(found[:limit], draw)
    return Exit.OK


def _disagreement(terminal: Terminal, one: Conflict) -> tuple[str, object, object]:
    """What kind it is, what is said, and what holds meanwhile."""
    kind = one.values.get("kind", "systems_differ")
    if not terminal.words.knows(f"conflict.{kind}"):
        return kind, _said(one.values), one.chosen
    meanwhile = f"conflict.{kind}.meanwhile"
    holds = one.chosen if one.chosen is not None or not terminal.words.knows(meanwhile) else terminal.say(meanwhile)
    return terminal.say(f"conflict.{kind}"), _said(one.values), holds


def _said(values: Any) -> object:  # noqa: ANN401 - JSON of the store
    said = values.get("said", values) if isinstance(values, dict) else values
    if isinstance(said, list):
        return "; ".join(map(str, said))
    return said
