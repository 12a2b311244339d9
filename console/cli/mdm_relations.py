"""`millstream mdm relate|relations`: how golden records hang together, from the command line."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from cyclopts import Parameter

from canonical.relations import Relation, RelationKind
from console.cli.mdm_stewards import moment_of
from console.cli.state import hub_of
from console.cli.terminal import Exit, Terminal

Caller = Annotated[Terminal, Parameter(parse=False)]


def relate(
    entity: str, golden_id: str, kind: RelationKind, other: str | None = None, /, *, text: str | None = None,
    none: bool = False, since: date | None = None, until: date | None = None, reason: str, terminal: Caller,
) -> Exit:  # fmt: skip
    """Say how a golden record hangs together with another; `mdm unmerge` takes it back.

    Parameters
    ----------
    entity
        item or partner.
    golden_id
        The golden record it is said of.
    kind
        Of partners parent, branch_of, bill_to, ship_to or contact; of items supersedes, replaces, variant_of or
        package_of.
    other
        The golden record it leads to.
    text
        For a contact: who it is, where that is no golden record.
    none
        There is none of this kind at all, whatever systems tell.
    since
        The first day on which it holds.
    until
        The first day on which it no longer holds.
    reason
        Why, for who asks later.
    """
    from pipeline.stewardship import WantedRelation
    from pipeline.stewardship import relate as say

    with hub_of(terminal) as hub:
        wanted = WantedRelation(kind, other, text, since, until, reason, none)
        done = say(hub, terminal.person, entity, golden_id, wanted)
    number = done.decision.number
    answer = {"number": number, "kind": kind, "of": golden_id, "to": other, "text": text, "none": none}
    terminal.answer(answer, lambda: terminal.line("relation.done", number=number))
    return Exit.OK


def relations(
    entity: str, golden_id: str, /, *, about: str | None = None, at: str | None = None, terminal: Caller
) -> Exit:
    """Show what a golden record is related to, and what to it.

    Parameters
    ----------
    entity
        item or partner.
    golden_id
        A golden record; a retired id is followed.
    about
        Only what held at this moment: 2026-03-01.
    at
        As it was believed at this moment.
    """
    from pipeline import stewardship

    with hub_of(terminal) as hub:
        moments = {name: moment_of(terminal, text) for name, text in (("about", about), ("at", at)) if text}
        found = stewardship.relations(hub, entity, golden_id, **moments)
    columns = ("relation.kind", "relation.of", "relation.with", "relation.from", "relation.until", "relation.said")
    terminal.answer(list(found), lambda: terminal.table(columns, [_row(terminal, one) for one in found]))
    return Exit.OK


def _row(terminal: Terminal, one: Relation) -> tuple[object, ...]:
    said = f"{one.origin} {one.said_at:%Y-%m-%d}" + (f" №{one.number}: {one.reason}" if one.number else "")
    other = terminal.say("relation.nobody") if one.denies else one.to or one.text
    return terminal.say(f"relation.{one.kind}"), one.of, other, one.valid_from, one.valid_to, said
