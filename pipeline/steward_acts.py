"""What a steward does: verdicts on records and pins on values, taken back as they were taken, each in one transaction.

A decision is written down, what follows from it is computed, and both stand or neither does. The golden frames of the
stream follow with its next pass; crosswalk, golden versions, redirects and conflicts follow at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from canonical.actors import Actor, Role
from canonical.entities import ENTITIES, frame_schema
from canonical.errors import MillstreamError
from canonical.stewardship import Decision, Kind, SourceRef, in_force, waiting
from mdm.policy import Policy
from mdm.reconcile import Stewarded, reconcile
from mdm.structure import closing_cycle
from mdm.survivorship import typed
from pipeline import mastering
from pipeline.hub import Hub
from pipeline.mastering import Settled
from pipeline.related import refuse_circles
from store import assignments, audit, conflicts, crosswalk, decisions, golden, queue
from store.assignments import Assignment
from store.unit_of_work import Transaction

FOUR_EYES = 20
"""More verdicts at once than this wait for a second person."""


class NotAllowedToDecide(MillstreamError):
    """The actor may not take such a decision."""


class UnknownRecord(MillstreamError):
    """No such record or golden record is known."""


class MergeRefused(MillstreamError):
    """The merge would make an item its own component."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision to be taken. Use `same`, `different`, `split` or `pin` of this module to make one."""

    kind: Kind
    entity: str
    members: tuple[SourceRef, ...]
    others: tuple[SourceRef, ...] = ()
    attribute: str | None = None
    value: Any = None
    expires_at: datetime | None = None
    about: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision and what followed: golden ids that gained or lost records, and where retired ones lead."""

    decision: Decision
    moved: tuple[SourceRef, ...]
    touched: tuple[str, ...]
    redirects: tuple[tuple[str, str], ...]
    waiting: bool
    """It needs a second person; nothing has changed yet."""


def same(entity: str, *members: SourceRef, reason: str = "") -> Verdict:
    """These records are one thing."""
    return Verdict("same", entity, members, reason=reason)


def different(entity: str, one: SourceRef, other: SourceRef, reason: str = "") -> Verdict:
    """These two records are two things."""
    return Verdict("different", entity, (one,), (other,), reason=reason)


def decide(hub: Hub, actor: Actor, *verdicts: Verdict) -> tuple[Decided, ...]:
    """Take decisions together; more than `FOUR_EYES` of them wait for approval as one batch.

    Raises `NotAllowedToDecide`, `UnknownRecord`, `MergeRefused`; then nothing is decided.
    """
    _allowed(actor, Role.STEWARD)
    many = len(verdicts) > FOUR_EYES
    now = hub.now()
    batch = f"{now:%Y%m%dT%H%M%S%f}-{actor.name}" if len(verdicts) > 1 else None
    with hub.store.begin() as tx:
        found = [_taken(hub, tx, actor, one, _Terms(now, batch, needs_approval=many)) for one in verdicts]
        return tuple(_finished(hub, tx, found, now))


def preview(hub: Hub, actor: Actor, *verdicts: Verdict) -> tuple[Decided, ...]:
    """What `decide` would come to, had it not to wait; nothing is kept."""
    _allowed(actor, Role.STEWARD)
    now = hub.now()
    with hub.store.begin() as tx:
        unkept = tx.begin_nested()
        found = [_taken(hub, tx, actor, one, _Terms(now, None)) for one in verdicts]
        finished = tuple(_finished(hub, tx, found, now))
        unkept.rollback()
    return finished


def merge(hub: Hub, actor: Actor, entity: str, golden_ids: Sequence[str], reason: str) -> Decided:
    """Make golden records one: the oldest golden id stays, the others lead to it."""
    with hub.store.read() as tx:
        firsts = [records_of(tx, entity, golden_id)[0] for golden_id in golden_ids]
    return decide(hub, actor, same(entity, *firsts, reason=reason))[0]


def split(hub: Hub, actor: Actor, entity: str, members: Sequence[SourceRef], reason: str) -> Decided:
    """Take records out of their golden record; together they become one of their own."""
    with hub.store.read() as tx:
        bound = _bound(tx, entity, members)
        golden_ids = {bound[ref] for ref in members}
        if len(golden_ids) != 1:
            raise UnknownRecord("the records do not stand in one golden record", entity=entity)
        rest = [ref for ref in records_of(tx, entity, golden_ids.pop()) if ref not in set(members)]
    if not rest:
        raise MillstreamError("all its records cannot leave a golden record", entity=entity)
    return decide(hub, actor, Verdict("split", entity, tuple(members), tuple(rest), reason=reason))[0]


def pinned(
    hub: Hub, entity: str, golden_id: str, attribute: str, value: object, *, reason: str = "",
    expires_at: datetime | None = None,
) -> Verdict:  # fmt: skip
    """One attribute of a golden record is this value, until a moment or until it is taken back."""
    typed(entity, attribute, value)
    with hub.store.read() as tx:
        first = records_of(tx, entity, golden_id)[:1]
    return Verdict("pin", entity, tuple(first), (), attribute, value, expires_at, reason=reason)


def pin(
    hub: Hub, actor: Actor, entity: str, golden_id: str, *, attribute: str, value: object, reason: str,
    expires_at: datetime | None = None,
) -> Decided:  # fmt: skip
    """Set one attribute of a golden record by hand, until a moment or until it is taken back."""
    verdict = pinned(hub, entity, golden_id, attribute, value, reason=reason, expires_at=expires_at)
    return decide(hub, actor, verdict)[0]


def revoke(hub: Hub, actor: Actor, number: int, reason: str = "") -> Decided:
    """Take a decision back (of a merge: unmerge); taking that back in turn makes it hold again."""
    with hub.store.read() as tx:
        taken = _numbered(tx, number)
        if number in {one.about for one in _still(tx, taken.entity) if one.kind == "revoke"}:
            raise MillstreamError(f"decision {number} is taken back already", entity=taken.entity, key=str(number))
    return decide(hub, actor, Verdict("revoke", taken.entity, (), about=number, reason=reason))[0]


unmerge = revoke


def undo(hub: Hub, actor: Actor) -> Decided:
    """Take back this actor's last decision that still holds."""
    with hub.store.read() as tx:
        everything = decisions.listed(tx)
    holding = {one.number for one in (*in_force(everything, hub.now()), *waiting(everything))}
    own = [one for one in everything if one.actor == str(actor) and one.number in holding]
    if not own:
        raise UnknownRecord("there is no decision of yours to take back", key=str(actor))
    return revoke(hub, actor, own[-1].number, "undo")


def approve(hub: Hub, actor: Actor, *numbers: int, reason: str = "") -> tuple[Decided, ...]:
    """Let decisions that wait for a second person hold."""
    return _answer(hub, actor, "approve", numbers, reason)


def reject(hub: Hub, actor: Actor, *numbers: int, reason: str = "") -> tuple[Decided, ...]:
    """Refuse decisions that wait for a second person."""
    return _answer(hub, actor, "reject", numbers, reason)


def _answer(hub: Hub, actor: Actor, kind: Kind, numbers: Sequence[int], reason: str) -> tuple[Decided, ...]:
    _allowed(actor, Role.APPROVER)
    now = hub.now()
    with hub.store.begin() as tx:
        found = []
        for number in numbers:
            taken = _numbered(tx, number)
            if taken.actor == str(actor):
                raise NotAllowedToDecide("a second person has to answer", entity=taken.entity, key=str(number))
            if taken not in waiting(decisions.listed(tx, taken.entity)):
                raise MillstreamError("the decision does not wait for an answer", entity=taken.entity, key=str(number))
            verdict = Verdict(kind, taken.entity, (), about=number, reason=reason)
            found.append(_taken(hub, tx, actor, verdict, _Terms(now, None)))
        return tuple(_finished(hub, tx, found, now))


def assign(hub: Hub, actor: Actor, items: Iterable[str], assignee: str | None, due_at: datetime | None = None) -> None:
    """Give items of the queue to a person, with a moment by which they should be settled."""
    _allowed(actor, Role.STEWARD)
    rows = [Assignment(item, assignee, due_at) for item in items]
    with hub.store.begin() as tx:
        assignments.assign(tx, rows, str(actor), hub.now())
        for row in rows:
            audit.append(tx, hub.now(), actor, "queue.assign", f"queue/{row.item}", detail={"assignee": assignee})


def _allowed(actor: Actor, needed: Role) -> None:
    if not actor.role.may(needed):
        raise NotAllowedToDecide(f"{actor} is {actor.role}, which is less than {needed}", key=str(actor))


def _numbered(tx: Transaction, number: int) -> Decision:
    found = decisions.numbered(tx, number)
    if found is None:
        raise UnknownRecord(f"there is no decision {number}", key=str(number))
    return found


def _still(tx: Transaction, entity: str) -> list[Decision]:
    """Takings back that are not taken back themselves."""
    known = decisions.listed(tx, entity)
    gone: set[int | None] = set()
    for one in reversed(known):
        if one.kind == "revoke" and one.number not in gone:
            gone.add(one.about)
    return [one for one in known if one.number not in gone]


def records_of(tx: Transaction, entity: str, golden_id: str) -> list[SourceRef]:
    """The records of a golden record in order of arrival; a retired id is followed."""
    place = golden.resolve(tx, entity, golden_id)
    rows = crosswalk.by_arrival(tx, entity, place)
    if not rows:
        raise UnknownRecord(f"no golden record {golden_id!r} is known", entity=entity, key=golden_id)
    return [SourceRef(row.system, row.source_key) for row in rows]


def _bound(tx: Transaction, entity: str, refs: Iterable[SourceRef]) -> dict[SourceRef, str]:
    wanted = [(ref.system, ref.source_key) for ref in refs]
    found = crosswalk.bindings(tx, entity, wanted)
    lost = [key for key in wanted if key not in found]
    if lost:
        raise UnknownRecord("this record is not known", system=lost[0][0], entity=entity, key=lost[0][1])
    return {SourceRef(*key): row.golden_id for key, row in found.items()}


@dataclass(frozen=True, slots=True)
class _Terms:
    now: datetime
    batch: str | None
    needs_approval: bool = False


def _taken(hub: Hub, tx: Transaction, actor: Actor, verdict: Verdict, terms: _Terms) -> Decision:
    """Write a decision down, with its audit row."""
    if verdict.entity not in mastering.STEWARDED or verdict.entity not in hub.configuration.policies:
        raise MillstreamError(f"nothing is decided on {verdict.entity!r}", entity=verdict.entity)
    if verdict.kind in {"same", "different"} and len({*verdict.members, *verdict.others}) < 2:  # noqa: PLR2004
        raise MillstreamError("two records are needed", entity=verdict.entity)
    _bound(tx, verdict.entity, (*verdict.members, *verdict.others))
    needs_approval = terms.needs_approval and verdict.kind != "revoke"
    decision = decisions.append(
        tx,
        Decision(
            0, verdict.entity, verdict.kind, verdict.members, str(actor), terms.now, verdict.reason, verdict.others,
            verdict.attribute, verdict.value, verdict.expires_at, verdict.about, needs_approval, terms.batch,
        ),
    )  # fmt: skip
    detail = {
        "number": decision.number, "members": list(map(str, verdict.members)), "about": verdict.about,
        "others": list(map(str, verdict.others)), "attribute": verdict.attribute, "value": verdict.value,
        "reason": verdict.reason, "batch": terms.batch,
    }  # fmt: skip
    on = f"decision/{decision.about or decision.number}"
    audit.append(tx, terms.now, actor, f"mdm.{verdict.kind}", on, detail=detail)
    return decision


def _finished(hub: Hub, tx: Transaction, taken: Sequence[Decision], now: datetime) -> list[Decided]:
    """What follows from decisions that have been written down, entity by entity."""
    followed: dict[str, tuple[Settled, frozenset[str]]] = {}
    for entity in sorted({one.entity for one in taken}):
        followed[entity] = follow(hub, tx, entity, now, [one for one in taken if one.entity == entity])
    waits = {one.number for one in waiting(taken)}
    return [
        Decided(
            one, followed[one.entity][0].moved, tuple(sorted(followed[one.entity][1])),
            tuple(sorted(followed[one.entity][0].redirects.items())), one.number in waits,
        )
        for one in taken
    ]  # fmt: skip


def follow(
    hub: Hub, tx: Transaction, entity: str, now: datetime, taken: Sequence[Decision]
) -> tuple[Settled, frozenset[str]]:
    """Settle an entity's records and write down every golden record that changed."""
    policy = hub.configuration.policies[entity]
    given = mastering.stewarded(tx, policy, now)
    settled = mastering.settle(tx, policy, given, now)
    if entity == "item":
        _refuse_cycles(hub, settled)
    refuse_circles(tx, entity, now, settled.touched | _related(tx, entity, taken))
    touched = settled.touched | _pinned(tx, entity, taken)
    run_id = f"decision:{taken[-1].number}" if taken else f"stewardship:{now:%Y%m%dT%H%M%S}"
    told = _record(hub, tx, policy, _Change(given, touched, run_id, now))
    mastering.withdraw(tx, entity, settled, touched - told, run_id=run_id, now=now)
    queue.mark(tx, entity, touched)
    return settled, touched


def _refuse_cycles(hub: Hub, settled: Settled) -> None:
    lines = hub.frames.read("golden/bom_line")
    if lines is None or not settled.redirects:
        return
    merged = dict(settled.redirects)
    joined = {merged[one] for one in settled.touched & set(merged)}
    found = closing_cycle(lines.select("parent", "component").iter_rows(), merged, joined)
    if found is not None:
        raise MergeRefused(
            f"the merge would make an item its own component: {' → '.join(found)}", entity="item", key=found[0]
        )


def _pinned(tx: Transaction, entity: str, taken: Sequence[Decision]) -> frozenset[str]:
    """Golden ids whose pins come or go with these decisions."""
    about = {one.about for one in taken if one.about is not None}
    pins = [one for one in decisions.listed(tx, entity) if one.kind == "pin"]
    refs = [ref for one in pins if one.number in about or one in taken for ref in one.members]
    return frozenset(_bound(tx, entity, refs).values())


def _related(tx: Transaction, entity: str, taken: Sequence[Decision]) -> set[str]:
    """Golden ids that decisions are about."""
    refs = {ref for one in taken for ref in decisions.concerned(tx, one)}
    return {row.golden_id for row in crosswalk.bindings(tx, entity, ((r.system, r.source_key) for r in refs)).values()}


@dataclass(frozen=True, slots=True)
class _Change:
    given: Stewarded
    touched: frozenset[str]
    run_id: str
    now: datetime


def _record(hub: Hub, tx: Transaction, policy: Policy, change: _Change) -> set[str]:
    """Golden versions and conflicts of the golden ids that changed, computed as the stream computes them.

    Returns those of which some system tells.
    """
    entity = policy.entity
    members = [row for golden_id in sorted(change.touched) for row in crosswalk.by_arrival(tx, entity, golden_id)]
    homes = {row.home_id or row.golden_id for row in members}
    known = mastering.homes_of(tx, policy, homes, change.given)
    records = source_records(hub, entity, known)
    outcome = mastering.coded_in(tx, policy, reconcile(policy, records, known, change.given), change.now)
    kept = outcome.golden.filter(pl.col("golden_id").is_in(sorted(change.touched)))
    contents = {row["golden_id"]: row for row in kept.to_dicts()}
    golden.record(tx, entity, contents, change.now, change.run_id, effective=outcome.effective)
    found = [one for one in mastering.conflicts_of(entity, outcome) if one.golden_id in change.touched]
    conflicts.replace(tx, entity, found, change.now, within=change.touched)
    return set(contents)


def source_records(hub: Hub, entity: str, known: pl.DataFrame) -> pl.DataFrame:
    """The canonical records that stand in the frames, of those in a crosswalk."""
    found = [pl.DataFrame(schema=frame_schema(ENTITIES[entity]))]
    for system in hub.configuration.sources_of(entity):
        frame = hub.frames.read(f"canonical/{entity}/{system}")
        if frame is not None:
            found.append(frame.join(known, on=["system", "source_key"], how="semi", maintain_order="left"))
    return pl.concat(found)
