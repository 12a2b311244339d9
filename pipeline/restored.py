"""After a restore from a backup nothing is doubled: what may have been sent since is looked up before it is sent.

Each batch that is claimed advances a counter in the store, and before it goes out the counter is written to a
small file beside the store. A store whose counter is behind the file's is older than what was sent. Then every
open command counts as perhaps sent: one that can be looked up is looked up twice, one that goes under a key is
repeated under it, one that can be neither is parked for a person. So does one that waits for a person, who may have
sent it again since: it goes on waiting. Revisions go on far above those that may have
been given out, so that no id is used again for another content. The frames between stages go, for they may tell of
what the older store does not hold: the next pass makes them again.
"""

from __future__ import annotations

from canonical.commands import Command, State
from canonical.errors import MillstreamError
from connectors.port import Variant
from pipeline.hub import Hub
from store import audit, deliveries, documents, interventions, outbox, revisions, ticks
from store.outbox import OutboxEntry
from store.sent_mark import SentMark
from store.unit_of_work import Transaction

TICK = "deliveries"
ACTOR = "run:restore"
OPEN = (State.PENDING, State.AWAITING, State.IN_DOUBT, State.HELD)
WAITING = (State.PARKED, State.REJECTED)


def sent_mark(hub: Hub) -> SentMark:
    """The mark of this hub's home."""
    return SentMark(hub.settings.home / "deliveries.mark")


def next_batch(tx: Transaction) -> int:
    """Advance the counter, in the transaction that claims a batch."""
    return ticks.advance(tx, TICK)


def notice_restore(hub: Hub) -> int:
    """Doubt every command that may yet be sent, if the store is older than what was; how many there were."""
    sent = sent_mark(hub).value
    with hub.store.begin() as tx:
        if sent <= ticks.hold(tx, TICK):
            return 0
        open_ = outbox.entries(tx, states=OPEN)
        waiting = outbox.entries(tx, states=WAITING)
        open_ += [entry for entry in waiting if not interventions.is_outdated(tx, entry.command.id)]
        steps = {entry.command.id: _next_step(hub, tx, entry) for entry in open_}
        known = {command_id: step for command_id, step in steps.items() if step is not None}
        hub.frames.forget()  # before the counter is raised: whoever is stopped here notices again
        deliveries.doubt(tx, known, hub.now())
        revisions.skip(tx)
        ticks.raise_to(tx, TICK, sent)
        audit.append(tx, hub.now(), ACTOR, "older store noticed", "store", detail={"commands": len(open_)})
    return len(open_)


def _next_step(hub: Hub, tx: Transaction, entry: OutboxEntry) -> str | None:
    """The step that may have been sent since the backup; None where the operation is not known any more."""
    command = entry.command
    try:
        variants = hub.connector(command.system).operations[command.kind].variants
    except (MillstreamError, KeyError):
        return None
    done = {record.step for record in outbox.steps(tx, [command.id]).get(command.id, ()) if record.state == "done"}
    steps = variants.get(_variant(tx, command), ())
    return next((step.name for step in steps if step.name not in done), None)


def _variant(tx: Transaction, command: Command) -> Variant:
    if command.cancelled:
        return "cancel"
    standing = documents.by_business_key(tx, command.system, command.entity, [command.business_key])
    return "change" if standing else "create"
