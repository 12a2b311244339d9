"""A person says how a command ended: what stands in the target under our reference, and what they saw there."""

from __future__ import annotations

from datetime import datetime

from canonical.commands import Command, StepReceipt
from canonical.errors import MillstreamError
from console.words.words import Words
from pipeline.hub import Hub
from store import outbox
from store.unit_of_work import Transaction


def made_there(hub: Hub, command: Command) -> list[str]:
    """The target's own ids of what stands there under our reference; raises `MillstreamError` where it cannot say."""
    key = command.business_key
    return [found.native_id for found in hub.connector(command.system).look_up(command.kind, [key])[key]]


def the_only(words: Words, command: Command, found: list[str]) -> str:
    """The one document that stands there; raises `MillstreamError` for none and for several."""
    if len(found) == 1:
        return found[0]
    raise MillstreamError(
        words.say("outbox.resolve.not_one", count=len(found), key=command.business_key),
        system=command.system, entity=command.entity, key=command.business_key,
        hint=words.say("outbox.resolve.not_one.hint"),
    )  # fmt: skip


def seen(tx: Transaction, command: str, native_id: str, note: str, now: datetime) -> StepReceipt:
    """What a person saw in the target, as the answer of the step that had none."""
    sent = outbox.steps(tx, [command]).get(command, ())
    step = next((record.step for record in sent if record.state == "intent"), "")
    return StepReceipt(step, native_id, None, None, now, {"resolved": note})
