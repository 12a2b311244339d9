"""A dry run: what deciding would write now, with the payload each target would get, and nothing of it kept.

It runs the decide stage itself (`looked_at`, `decided`, `enact`) and the outbound mappings of delivery, in a
transaction that is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from canonical.commands import Command
from canonical.errors import MillstreamError
from canonical.keys import join_key
from canonical.plan import Plan
from pipeline.decide import decided, looked_at
from pipeline.enact import enact
from pipeline.hub import Hub, Run
from pipeline.outbound import Lookups, build_payload
from pipeline.why import related_records
from rules.decide import Decision, Notice, Task, decide
from rules.diff import Change
from store import outbox
from store.unit_of_work import Transaction

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One command that would be written: the payload its target last got, and the one it would get.

    `held` says why it would wait for a person; `hindered` why there is no payload yet.
    """

    command: Command
    held: str | None
    before: Payload | None
    after: Payload | None
    hindered: str | None

    def differences(self) -> list[tuple[str, object, object]]:
        """(path, before, after) of everything that differs."""
        before, after = dict(_flat(self.before or {})), dict(_flat(self.after or {}))
        paths = list(dict.fromkeys((*before, *after)))
        return [
            (path, before.get(path), after.get(path))
            for path in paths
            if path not in before or path not in after or before[path] != after[path]
        ]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a dry run came to."""

    changes: int
    commands: tuple[Rehearsed, ...]
    notices: tuple[Notice, ...]
    tasks: tuple[Task, ...]


class _Undone(Exception):
    """Ends a transaction that must not be kept."""


@contextmanager
def _undone(hub: Hub) -> Iterator[Transaction]:
    with suppress(_Undone), hub.store.begin() as tx:
        yield tx
        _undo()


def _undo() -> NoReturn:
    raise _Undone


def rehearse(hub: Hub, run: Run, plan: Plan) -> Rehearsal:
    """What deciding would do about everything that changed since the last time."""
    with _undone(hub) as tx:
        looked = looked_at(hub, tx, run, plan)
        return _rehearsal(hub, tx, run, list(looked.changes()), decided(hub, looked))


def rehearse_change(hub: Hub, run: Run, change: Change) -> Rehearsal:
    """What today's rules would do about one change."""
    with _undone(hub) as tx:
        decisions = decide([change], hub.configuration.rules, related_records(hub, tx))
        return _rehearsal(hub, tx, run, [change], decisions)


def _rehearsal(
    hub: Hub, tx: Transaction, run: Run, changes: Sequence[Change], decisions: Iterable[Decision]
) -> Rehearsal:
    wanted = list(decisions)
    done = enact(hub, tx, wanted, lambda change: join_key((run.run_id, change.entity, change.key)))
    lookups = Lookups(hub)
    return Rehearsal(
        changes=len(changes),
        commands=tuple(_rehearsed(tx, lookups, command) for command in done.enqueued),
        notices=tuple(one for one in wanted if isinstance(one, Notice)),
        tasks=tuple(one for one in wanted if isinstance(one, Task)),
    )


def _rehearsed(tx: Transaction, lookups: Lookups, command: Command) -> Rehearsed:
    standing = outbox.entries(tx, systems=[command.system], kind=command.kind, business_key=command.business_key)
    held = next((entry.held_for for entry in standing if entry.command.id == command.id), None)
    earlier = [entry.command for entry in standing if entry.command.revision < command.revision]
    before, _ = _payload(lookups, earlier[-1]) if earlier else (None, None)
    after, hindered = (None, None) if command.cancelled else _payload(lookups, command)
    return Rehearsed(command, held, before, after, hindered)


def _payload(lookups: Lookups, command: Command) -> tuple[Payload | None, str | None]:
    try:
        return build_payload(lookups, command), None
    except MillstreamError as error:
        return None, str(error)


def _flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _flat(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from _flat(part, f"{path}[{index}]")
    else:
        yield path, value
