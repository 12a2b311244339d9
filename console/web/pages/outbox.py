"""What is to be written to other systems: what is stuck, since when and why, and what a person may do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus

from starlette.responses import Response

from canonical.commands import Command, State
from canonical.errors import MillstreamError
from console.cli.outbox import reason
from console.cli.resolving import made_there, seen, the_only
from console.web.paging import asked_for
from console.web.visit import Visit
from store import audit, golden, interventions, outbox
from store.outbox import OutboxEntry
from store.unit_of_work import Transaction

STUCK = (State.PARKED, State.REJECTED, State.IN_DOUBT, State.HELD, State.AWAITING)
"""What does not go on by itself, or not soon: shown first."""
ENDINGS = (State.APPLIED, State.UNCHANGED, State.REJECTED, State.SUPERSEDED)
RETRIED = frozenset({State.PARKED, State.REJECTED})
ENDED = frozenset({State.APPLIED, State.UNCHANGED, State.SUPERSEDED})


def listed(visit: Visit) -> Response:
    """Commands in one state; without a choice those that are stuck, the longest first."""
    chosen, system = _state(visit), visit.asked("system")
    states = STUCK if chosen is None else (chosen,)
    with visit.hub.store.read() as tx:
        counted = outbox.counts(tx)
        total = sum(count for (at, state), count in counted.items() if state in states and system in {None, at})
        rows = asked_for(
            total, visit.number("page", 1),
            lambda most, before: outbox.longest(
                tx, states, system, newest=chosen in ENDED, limit=most, offset=before
            ),
        )  # fmt: skip
    totals: Counter[State] = Counter()
    for (_, state), count in counted.items():
        totals[state] += count
    return visit.page(
        "outbox.html", part=rows, totals=totals, states=list(State), chosen=chosen, names=_named(visit, rows.rows),
        systems=sorted({place for place, _ in counted}), system=system, reason=reason,
    )  # fmt: skip


def _named(visit: Visit, entries: Sequence[OutboxEntry]) -> dict[str, str]:
    """Command id → what its item is called, empty where it tells of none: its key holds the code alone."""
    items = {entry.command.id: str(entry.command.body.get("item") or "") for entry in entries}
    with visit.hub.store.read() as tx:
        known = golden.standing(tx, "item", set(items.values()) - {""})
    names = {item: str(one.content.get("name") or "") for item, one in known.items()}
    return {command: names.get(item, "") for command, item in items.items()}


def _state(visit: Visit) -> State | None:
    given = visit.asked("state")
    return State(given) if given in set(State) else None


def show(visit: Visit) -> Response:
    """One command: its content, each step sent, who touched it, and what may be done."""
    with visit.hub.store.read() as tx:
        entry = outbox.entry(tx, visit.place("command"))
        if entry is None:
            return visit.refuse(HTTPStatus.NOT_FOUND, "outbox.unknown", given=visit.place("command"))
        return _shown(visit, tx, entry)


def _shown(visit: Visit, tx: Transaction, entry: OutboxEntry) -> Response:
    command, state = entry.command, entry.state
    return visit.page(
        "command.html", entry=entry, command=command, why=visit.words.why(reason(entry)),
        item=_named(visit, [entry])[command.id],
        steps=outbox.steps(tx, [command.id]).get(command.id, ()),
        acts=audit.listed(tx, f"command/{command.id}"), blocker=outbox.blocked_by(tx, command.id),
        can={
            "retry": state in RETRIED, "park": state not in ENDED | RETRIED,
            "approve": state is State.HELD and entry.held_for == "approval", "resolve": state not in ENDED,
        },
        endings=ENDINGS,
    )  # fmt: skip


def retry(visit: Visit) -> Response:
    """Send a parked or rejected command again."""
    with visit.hub.store.begin() as tx:
        done = interventions.retry(tx, _command(visit, tx), visit.actor, visit.now)
    return _on(visit, "done.retried", done=done is not None)


def park(visit: Visit) -> Response:
    """Stop a command until a person decides."""
    reason = _wanted(visit, "reason")
    with visit.hub.store.begin() as tx:
        done = interventions.park(tx, _command(visit, tx), visit.actor, reason, visit.now)
    return _on(visit, "done.parked", done=done)


def approve(visit: Visit) -> Response:
    """Let one command go."""
    with visit.hub.store.begin() as tx:
        done = interventions.approve(tx, [_command(visit, tx)], visit.actor, visit.now)
    return _on(visit, "done.approved", done=bool(done))


def approve_chosen(visit: Visit) -> Response:
    """Let several go that were ticked in the list."""
    with visit.hub.store.begin() as tx:
        done = interventions.approve(tx, visit.fields("command"), visit.actor, visit.now)
    return visit.go("outbox", told="done.approved" if done else "done.nothing", query={"state": State.HELD})


def resolve(visit: Visit) -> Response:
    """Say how a command ended, after looking in the target."""
    note, native_id = _wanted(visit, "note"), visit.field("native_id")
    ending = next((one for one in ENDINGS if one == visit.field("as")), None)
    if ending is None or (native_id and ending is not State.APPLIED):
        raise MillstreamError(visit.words.say("outbox.resolve.native_id"))
    with visit.hub.store.read() as tx:
        command = _entry(visit, tx).command
    told = "done.resolved"
    if ending is State.APPLIED and not native_id:
        native_id, told = _made(visit, command)
    with visit.hub.store.begin() as tx:
        receipt = seen(tx, command.id, native_id, note, visit.now) if native_id else None
        done = interventions.resolve(tx, command.id, visit.actor, ending, visit.now, note=note, receipt=receipt)
    return _on(visit, told, done=done)


def _made(visit: Visit, command: Command) -> tuple[str, str]:
    """The target's own id of what it made, and what to tell; without an id where the target cannot be asked."""
    try:
        found = made_there(visit.hub, command)
    except MillstreamError:
        return "", "done.resolved_unasked"
    return the_only(visit.words, command, found), "done.resolved"


def _entry(visit: Visit, tx: Transaction) -> OutboxEntry:
    entry = outbox.entry(tx, visit.place("command"))
    if entry is None:
        raise MillstreamError(visit.words.say("outbox.unknown", given=visit.place("command")))
    return entry


def _command(visit: Visit, tx: Transaction) -> str:
    return _entry(visit, tx).command.id


def _wanted(visit: Visit, name: str) -> str:
    given = visit.field(name)
    if not given:
        raise MillstreamError(visit.words.say("page.reason_wanted"))
    return given


def _on(visit: Visit, told: str, *, done: bool) -> Response:
    """Back to the command; what stands otherwise meanwhile is said, and nothing was changed."""
    return visit.go("command", told=told if done else "done.nothing", command=visit.place("command"))
