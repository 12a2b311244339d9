"""What rules want becomes what the hub will do: commands, notices, tasks and timers, in the caller's transaction.

The decide stage and a timer that runs out end here alike, so that both commit with the mark that makes them happen
once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from canonical.commands import Command
from pipeline.hub import Hub
from pipeline.plant_time import plant_time
from rules.decide import CommandDraft, Decision, Notice, Task, TimerEnd
from rules.diff import Change
from rules.timers import TimerDraft, Watched, counted_from, timer_changes
from store import documents, notices, outbox, revisions, tasks, timers
from store.connections import ConnectionState
from store.outbox import HoldCause
from store.revisions import Desired
from store.unit_of_work import Transaction

Cause = Callable[[Change], str]
"""The id of the event that a change becomes."""
LEFT_STANDING = "withdraw_document"
"""The kind of task for a document that no system can be told to withdraw."""
WATCHER = "operator"
"""Whose task that is, and whom a circle is told."""
WITHDRAW = {
    "en": "Withdraw {number} ({kind} {key}) in {system} by hand: nothing connected takes that from the hub any more.",
    "zh": "请在 {system} 中人工撤回 {number}（{kind} {key}）：已连接的系统均无法再代为撤回。",
}


@dataclass(frozen=True, slots=True)
class Enacted:
    """What decisions came to: `system.kind` → commands, and how many of them are `held`."""

    commands: Mapping[str, int]
    notices: int
    held: int
    tasks: int
    timers: int
    enqueued: tuple[Command, ...] = ()


def enact(hub: Hub, tx: Transaction, decisions: Iterable[Decision], cause: Cause) -> Enacted:
    """Put commands into the outbox, notices and tasks on their boards, and set or end timers."""
    found, now = list(decisions), hub.now()
    wanted = _commands(hub, tx, found, cause)
    commands = [command for command, _ in wanted]
    held = _held(hub, commands, {command.id for command, draft in wanted if draft.approve})
    enqueued = outbox.enqueue(tx, commands, now, held=held)
    told = [_notice(decision, cause) for decision in found if isinstance(decision, Notice)]
    notices.add(tx, told, now)
    return Enacted(
        commands=Counter(f"{command.system}.{command.kind}" for command in commands),
        notices=len(told),
        held=len(enqueued.held),
        tasks=_tasks(hub, tx, found, cause),
        timers=_timers(hub, tx, found, cause),
        enqueued=tuple(commands),
    )


def _notice(notice: Notice, cause: Cause) -> notices.Notice:
    return notices.Notice(
        audience=notice.audience, key=notice.key, text=notice.text, actor=f"rule:{notice.rule}",
        cause=cause(notice.change), urgent=notice.urgent,
    )  # fmt: skip


def _tasks(hub: Hub, tx: Transaction, decisions: Iterable[Decision], cause: Cause) -> int:
    wanted = [decision for decision in decisions if isinstance(decision, Task)]
    for task in wanted:
        if task.withdrawn:
            tasks.withdraw(tx, task.kind, task.key, hub.now(), owner=task.owner, by=f"rule:{task.rule}")
    opened = [_task(hub, task, cause) for task in wanted if not task.withdrawn]
    opened += _left_standing(hub, tx, decisions, cause)
    tasks.open_all(tx, opened, hub.now())
    return len(opened)


def _task(hub: Hub, task: Task, cause: Cause) -> tasks.Task:
    return tasks.Task(
        kind=task.kind, owner=task.owner, key=task.key, title=task.title, actor=f"rule:{task.rule}",
        cause=cause(task.change), due_at=_deadline(hub, task),
    )  # fmt: skip


def _left_standing(hub: Hub, tx: Transaction, decisions: Iterable[Decision], cause: Cause) -> Iterator[tasks.Task]:
    """For each document that is to go, and whose system is not connected any more or takes no withdrawals: a task."""
    unheard = {
        (draft.kind, draft.business_key): draft
        for draft in decisions
        if isinstance(draft, CommandDraft) and draft.cancelled and not _withdraws(hub, draft)
    }
    for told in revisions.standing(tx, unheard):
        draft = unheard[told.kind, told.business_key]
        known = documents.by_business_key(tx, told.system, draft.entity, [told.business_key]).get(told.business_key)
        if known is not None:
            number = known.native_number or known.native_id
            named = {"system": told.system, "kind": told.kind, "key": told.business_key, "number": number}
            title = {language: text.format(**named) for language, text in WITHDRAW.items()}
            key = f"{told.system}|{told.business_key}"
            yield tasks.Task(LEFT_STANDING, WATCHER, key, title, f"rule:{draft.rule}", cause(draft.change))


def _withdraws(hub: Hub, draft: CommandDraft) -> bool:
    """Whether the system that plays the role can be told to withdraw what such commands made; that needs no mapping."""
    system = hub.deployment.system_of(draft.role)
    operations = hub.configuration.systems[system].system.operations if system is not None else {}
    return draft.kind in operations and "cancel" in operations[draft.kind].variants


def _deadline(hub: Hub, task: Task) -> datetime | None:
    if task.due is None:
        return None
    calendar = hub.configuration.calendars[task.due.calendar]
    base = counted_from(task.due, task.change.row, calendar, plant_time(hub))
    return None if base is None else task.due.due(base, calendar)


def _timers(hub: Hub, tx: Transaction, decisions: Iterable[Decision], cause: Cause) -> int:
    """End timers, then start others; how many were started."""
    found = list(decisions)
    ended = [(one.rule, one.subject, one.key) for one in found if isinstance(one, TimerEnd)]
    timers.end(tx, ended, hub.now())
    watched = [one for one in found if isinstance(one, Watched)]
    known = timers.standing(tx, {one.change.entity for one in watched}, {one.change.key for one in watched})
    standing = {timer.about: timer.base for timer in known}
    changes = timer_changes(watched, standing, hub.configuration.calendars, plant_time(hub))
    timers.end(tx, changes.cancelled, hub.now())
    timers.start(tx, [_timer(draft, cause) for draft in changes.started], hub.now())
    return len(changes.started)


def _timer(draft: TimerDraft, cause: Cause) -> timers.Timer:
    change = draft.change
    return timers.Timer(draft.rule, change.entity, change.key, draft.base, draft.due_at, cause(change))


def _commands(
    hub: Hub, tx: Transaction, decisions: Iterable[Decision], cause: Cause
) -> list[tuple[Command, CommandDraft]]:
    """Drafts whose content differs from what was last decided for their document, with their revision."""
    drafts: list[tuple[CommandDraft, str]] = []
    for decision in decisions:
        if isinstance(decision, CommandDraft):
            system = hub.deployment.system_of(decision.role)
            if system is not None and (not decision.cancelled or _withdraws(hub, decision)):
                # A role nobody plays: the deployment does without it. What nobody can withdraw is a person's task.
                drafts.append((decision, system))
    # The rule with the highest priority has the last word on a document; of equals, the later.
    drafts.sort(key=lambda pair: pair[0].priority)
    latest = {(system, draft.kind, draft.business_key): (draft, system) for draft, system in drafts}
    wanted = list(latest.values())
    desired = [
        Desired(system, draft.kind, draft.business_key, {"body": draft.body, "cancelled": draft.cancelled})
        for draft, system in wanted
    ]
    numbered = zip(wanted, revisions.next_revisions(tx, desired), strict=True)
    return [
        (_command(hub, draft, system, revision, cause), draft)
        for (draft, system), revision in numbered
        if revision is not None and not (draft.cancelled and revision == 1)
    ]


def _command(hub: Hub, draft: CommandDraft, system: str, revision: int, cause: Cause) -> Command:
    return Command(
        kind=draft.kind,
        system=system,
        entity=draft.entity,
        business_key=draft.business_key,
        revision=revision,
        body=draft.body,
        actor=f"rule:{draft.rule}",
        cause=cause(draft.change),
        cancelled=draft.cancelled,
        sales_orders=draft.sales_orders,
        after=tuple(named for named in (_after(hub, text) for text in draft.after) if named),
    )


def _after(hub: Hub, text: str) -> str | None:
    """`role/entity/key` → `system/entity/key`; nothing to wait for where nobody plays the role."""
    role, _, rest = text.partition("/")
    system = hub.deployment.system_of(role)
    return f"{system}/{rest}" if system else None


def _held(hub: Hub, commands: list[Command], approvals: AbstractSet[str]) -> dict[str, HoldCause]:
    """Brakes: rules that ask for `approvals` (command ids), connections not live, too many writes or cancellations."""
    states, limits = hub.connection_states(), hub.deployment.limits
    held: dict[str, HoldCause] = {
        command.id: "connection" for command in commands if states[command.system] is not ConnectionState.LIVE
    }
    cancels = [command for command in commands if command.cancelled]
    too_many = len(commands) > limits.commands_per_run
    share = len(cancels) / max(1, len(commands))
    too_destructive = len(cancels) >= limits.cancelled_at_least and share > limits.cancelled_share
    braked = commands if too_many else cancels if too_destructive else []
    return {**held, **dict.fromkeys(approvals, "approval"), **{command.id: "approval" for command in braked}}
