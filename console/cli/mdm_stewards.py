"""`millstream mdm match|explain|queue|decide|unmerge|history`: the stewards' work from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from canonical.stewardship import SourceRef
from console.cli.state import hub_of
from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from pipeline.hub import Hub
    from pipeline.stewardship import Decided, Queue, QueueItem

Caller = Annotated[Terminal, Parameter(parse=False)]
Verdict = Literal["same", "different", "split", "pin", "approve", "reject"]


def match(entity: str, /, *attributes: str, limit: int = 5, terminal: Caller) -> Exit:
    """Find golden records like a description.

    Parameters
    ----------
    entity
        item or partner.
    attributes
        What is known of it, as name=value.
    limit
        At most so many.
    """
    from pipeline.indexes import find_matches

    given = dict(_pair(terminal, one) for one in attributes)
    with hub_of(terminal) as hub:
        found = find_matches(hub, entity, given, limit)
    answer = [
        {
            "golden_id": one.golden_id, "record": str(one.ref), "posterior": round(one.posterior, 6), "band": one.band,
            "said": dict(one.said), "vetoes": list(one.vetoes),
        }
        for one in found
    ]  # fmt: skip

    def draw() -> None:
        columns = ("col.golden", "col.record", "col.posterior", "col.band", "col.said")
        rows = [(row["golden_id"], row["record"], row["posterior"], row["band"], row["said"]) for row in answer]
        terminal.table(columns, rows, right=(2,))
        if not rows:
            terminal.line("mdm.none")

    terminal.answer(answer, draw)
    return Exit.OK


def _pair(terminal: Terminal, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigurationError(terminal.say("mdm.attribute.wanted", given=text))
    return name, value


def _ref(terminal: Terminal, text: str) -> SourceRef:
    try:
        return SourceRef.parse(text)
    except ValueError:
        raise ConfigurationError(terminal.say("mdm.ref.wanted", given=text)) from None


def explain(entity: str, one: str, other: str, /, *, terminal: Caller) -> Exit:
    """Show why two records are taken for one thing, or not.

    Parameters
    ----------
    entity
        item or partner.
    one
        A record, as system:key.
    other
        Another.
    """
    from pipeline import stewardship

    with hub_of(terminal) as hub:
        told = stewardship.explain(hub, entity, _ref(terminal, one), _ref(terminal, other))
    parts = [
        {"feature": step.part.feature, "value": step.part.value, "weight": step.part.weight, "sum": step.after}
        for step in told.steps
    ]
    answer = {
        "posterior": told.posterior, "band": told.band, "model": told.model, "vetoes": list(told.vetoes),
        "parts": parts,
    }  # fmt: skip

    def draw() -> None:
        terminal.line("mdm.explained", posterior=f"{told.posterior:.4f}", band=told.band, model=told.model)
        if told.vetoes:
            terminal.line("mdm.vetoed", vetoes=", ".join(told.vetoes))
        rows = [(row["feature"], *(f"{row[name]:.3f}" for name in ("value", "weight", "sum"))) for row in parts]
        terminal.table(("col.feature", "col.value", "col.weight", "col.sum"), rows, right=(1, 2, 3))

    terminal.answer(answer, draw)
    return Exit.OK


def queue(
    *, entity: str | None = None, kind: str | None = None, assignee: str | None = None, text: str | None = None,
    limit: int = 50, terminal: Caller,
) -> Exit:  # fmt: skip
    """Show what waits for a steward, what matters most first.

    Parameters
    ----------
    entity
        Only of this entity.
    kind
        match, ambiguous, conflict, duplicate, reference or approval.
    assignee
        Only what this person was given.
    text
        Only what has this in its title, golden ids or keys.
    limit
        At most so many.
    """
    from typing import cast

    from pipeline import stewardship

    wanted = stewardship.QueueFilter(entity, cast("stewardship.ItemKind | None", kind), assignee, text)
    with hub_of(terminal) as hub:
        found = stewardship.queue(hub, wanted, limit=limit)
    answer = {"total": found.total, "by_kind": dict(found.by_kind), "items": [_item(one) for one in found.items]}
    terminal.answer(answer, lambda: _draw_queue(terminal, found))
    return Exit.OK


def _draw_queue(terminal: Terminal, found: Queue) -> None:
    columns = (
        "col.queue_item", "col.kind", "col.title", "col.records", "col.said", "col.posterior", "col.open", "col.until"
    )  # fmt: skip
    rows = [
        (
            one.item, terminal.term(one.kind), one.title, " ".join(map(str, one.records)), "; ".join(one.said),
            "" if one.posterior is None else f"{one.posterior:.3f}", one.impact.open_documents, one.due_at,
        )
        for one in found.items
    ]  # fmt: skip
    terminal.table(columns, rows, right=(5, 6))
    kinds = ", ".join(f"{count} {terminal.term(name)}" for name, count in found.by_kind.items())
    key = "mdm.queue.total" if found.total else "mdm.queue.empty"
    terminal.line(key, shown=len(rows), total=found.total, kinds=kinds)


def _item(one: QueueItem) -> dict[str, Any]:
    return {
        "item": one.item, "kind": one.kind, "entity": one.entity, "title": one.title,
        "golden_ids": list(one.golden_ids), "records": list(map(str, one.records)), "attribute": one.attribute,
        "said": list(one.said), "chosen": one.chosen, "posterior": one.posterior, "decisions": list(one.decisions),
        "open_documents": one.impact.open_documents, "stock_value": one.impact.stock_value, "since": one.since,
        "assignee": one.assignee, "due_at": one.due_at,
    }  # fmt: skip


def decide(
    kind: Verdict, entity: str, /, *subjects: str, attribute: str | None = None, value: str | None = None,
    until: str | None = None, reason: str = "", preview: bool = False, terminal: Caller,
) -> Exit:  # fmt: skip
    """Decide on records; what follows is shown, and how to take it back.

    Parameters
    ----------
    kind
        same, different, split, pin, approve or reject.
    entity
        item or partner.
    subjects
        Records as system:key; for pin a golden id; for approve and reject the numbers of decisions.
    attribute
        What is pinned.
    value
        The pinned value.
    until
        When a pin ends: 2027-01-31.
    reason
        Why, for who asks later.
    preview
        Only show what would follow.
    """
    with hub_of(terminal) as hub:
        if kind in {"approve", "reject"}:
            done = _answered(hub, terminal, kind, subjects, reason)
        elif kind == "pin":
            _needed(terminal, kind, len(subjects) == 1, attribute is not None, "GOLDEN_ID --attribute")
            ends = moment_of(terminal, until) if until else None
            pinned = {"attribute": attribute, "value": value, "reason": reason, "expires_at": ends}
            done = _pinned(hub, terminal, entity, subjects[0], pinned)
        else:
            done = _about_records(hub, terminal, kind, entity, subjects, reason=reason, preview=preview)
    terminal.answer([_done(one) for one in done], lambda: _draw(terminal, done, preview=preview))
    return Exit.OK


def _answered(hub: Hub, terminal: Terminal, kind: str, subjects: tuple[str, ...], reason: str) -> tuple[Decided, ...]:
    from pipeline import stewardship as acts

    _needed(terminal, kind, subjects, all(one.isdigit() for one in subjects), "the numbers of decisions")
    answer = acts.approve if kind == "approve" else acts.reject
    return answer(hub, terminal.person, *map(int, subjects), reason=reason)


def _pinned(hub: Hub, terminal: Terminal, entity: str, golden_id: str, pinned: dict[str, Any]) -> tuple[Decided, ...]:
    from pipeline import stewardship as acts

    return (acts.pin(hub, terminal.person, entity, golden_id, **pinned),)


def _needed(terminal: Terminal, kind: str, given: object, fits: object, needed: str) -> None:
    if not given or not fits:
        raise ConfigurationError(terminal.say("mdm.decide.refs", kind=kind, needed=needed))


def _about_records(
    hub: Hub, terminal: Terminal, kind: str, entity: str, subjects: tuple[str, ...], *, reason: str, preview: bool
) -> tuple[Decided, ...]:
    from pipeline import stewardship as acts

    refs = [_ref(terminal, one) for one in subjects]
    if kind == "split":
        _needed(terminal, kind, refs, not preview, "SYSTEM:KEY …")
        return (acts.split(hub, terminal.person, entity, refs, reason),)
    _needed(terminal, kind, len(refs) > 1, kind == "same" or len(refs) == 2, "two records")  # noqa: PLR2004
    if kind == "same":
        verdict = acts.same(entity, *refs, reason=reason)
    else:
        verdict = acts.different(entity, refs[0], refs[1], reason)
    return (acts.preview if preview else acts.decide)(hub, terminal.person, verdict)


def unmerge(number: int, /, *, reason: str = "", terminal: Caller) -> Exit:
    """Take a decision back; everything stands as if it had not been taken.

    Parameters
    ----------
    number
        The decision's number.
    reason
        Why.
    """
    from pipeline import stewardship

    with hub_of(terminal) as hub:
        done = (stewardship.unmerge(hub, terminal.person, number, reason),)
    terminal.answer([_done(one) for one in done], lambda: _draw(terminal, done))
    return Exit.OK


def _done(one: Decided) -> dict[str, Any]:
    return {
        "number": one.decision.number, "kind": one.decision.kind, "entity": one.decision.entity,
        "moved": list(map(str, one.moved)), "golden_ids": list(one.touched), "redirects": dict(one.redirects),
        "waiting": one.waiting, "batch": one.decision.batch,
    }  # fmt: skip


def _draw(terminal: Terminal, done: tuple[Decided, ...], *, preview: bool = False) -> None:
    for one in done:
        kind, number = terminal.term(one.decision.kind), one.decision.number
        terminal.line("mdm.decided", number=number, kind=kind, moved=len(one.moved))
        for retired, target in one.redirects:
            terminal.line("mdm.redirect", retired=retired, target=target)
        if one.waiting:
            terminal.line("mdm.waiting")
        elif not preview:
            terminal.line("mdm.undo.hint", number=number)


def history(
    entity: str, golden_id: str, /, *, about: str | None = None, at: str | None = None, terminal: Caller
) -> Exit:
    """Show every version of a golden record, or the one that was believed at a moment about another.

    Parameters
    ----------
    entity
        item, partner, sales_order or work_order.
    golden_id
        The golden record.
    about
        The moment asked about: 2026-03-01.
    at
        The moment of believing; now where left out.
    """
    from pipeline import stewardship

    with hub_of(terminal) as hub:
        if about is None:
            found = stewardship.history(hub, entity, golden_id)
        else:
            moment = moment_of(terminal, at) if at else hub.now()
            one = stewardship.believed(hub, entity, golden_id, about=moment_of(terminal, about), at=moment)
            found = (one,) if one else ()
    answer = [
        {
            "golden_id": one.golden_id, "version": one.version, "believed_since": one.valid_from,
            "effective_from": one.effective_from, "run": one.run_id, "content": one.content,
        }
        for one in found
    ]  # fmt: skip

    def draw() -> None:
        columns = ("col.version", "col.believed", "col.effective", "col.content")
        rows = [
            (
                one.version, one.valid_from, one.effective_from,
                {name: value for name, value in one.content.items() if value not in (None, [])},
            )
            for one in found
        ]  # fmt: skip
        terminal.table(columns, rows, right=(0,))

    terminal.answer(answer, draw)
    return Exit.OK if found else Exit.FINDINGS


def moment_of(terminal: Terminal, text: str) -> datetime:
    """A moment as somebody types it: a day, or a day and a time, UTC where no zone is said."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(terminal.say("mdm.moment.wanted", given=text)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
