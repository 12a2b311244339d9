"""Every verb of the command line, once: where it is written, and the role its caller needs.

What stands not here cannot be called: whoever adds a verb says here who may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from canonical.actors import Role

Name = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: `module:function`, and the role that its caller needs in the hub.

    `needs` is None for what touches no hub: it reads files that the caller names, or makes a hub of its own.
    """

    target: str
    needs: Role | None


VERBS: Mapping[Name, Verb] = MappingProxyType(
    {
        ("demo",): Verb("console.cli.demo:demo", None),
        ("run",): Verb("console.cli.stream:run", Role.ENGINEER),
        ("relay",): Verb("console.cli.relay:relay", Role.ENGINEER),
        ("serve",): Verb("console.cli.serve:serve", Role.ENGINEER),
        ("status",): Verb("console.cli.status:status", Role.VIEWER),
        ("check",): Verb("console.cli.check:check", None),
        ("new", "system"): Verb("console.cli.new_system:new", None),
        ("probe",): Verb("console.cli.probe:probe", Role.ENGINEER),
        ("preview",): Verb("console.cli.preview:preview", None),
        ("trace",): Verb("console.cli.trace:trace", Role.VIEWER),
        ("doctor",): Verb("console.cli.doctor:doctor", Role.VIEWER),
        ("outbox", "list"): Verb("console.cli.outbox:listed", Role.VIEWER),
        ("outbox", "show"): Verb("console.cli.outbox:show", Role.VIEWER),
        ("outbox", "retry"): Verb("console.cli.outbox:retry", Role.APPROVER),
        ("outbox", "park"): Verb("console.cli.outbox:park", Role.APPROVER),
        ("outbox", "approve"): Verb("console.cli.outbox:approve", Role.APPROVER),
        ("outbox", "resolve"): Verb("console.cli.outbox:resolve", Role.APPROVER),
        ("quarantine", "list"): Verb("console.cli.waiting:quarantine_list", Role.VIEWER),
        ("quarantine", "show"): Verb("console.cli.waiting:quarantine_show", Role.VIEWER),
        ("conflicts", "list"): Verb("console.cli.waiting:conflicts_list", Role.VIEWER),
        ("notices", "list"): Verb("console.cli.notices:listed", Role.VIEWER),
        ("notices", "ack"): Verb("console.cli.notices:ack", Role.STEWARD),
        ("notices", "send"): Verb("console.cli.notices:send", Role.ENGINEER),
        ("tasks", "list"): Verb("console.cli.tasks:listed", Role.VIEWER),
        ("tasks", "done"): Verb("console.cli.tasks:done", Role.STEWARD),
        ("tasks", "refuse"): Verb("console.cli.tasks:refuse", Role.STEWARD),
        ("timers", "list"): Verb("console.cli.tasks:timers_listed", Role.VIEWER),
        ("people", "list"): Verb("console.cli.people:listed", Role.VIEWER),
        ("people", "add"): Verb("console.cli.people:add", Role.ADMIN),
        ("people", "grant"): Verb("console.cli.people:grant", Role.ADMIN),
        ("people", "revoke"): Verb("console.cli.people:revoke", Role.ADMIN),
        ("people", "remove"): Verb("console.cli.people:remove", Role.ADMIN),
        ("people", "password"): Verb("console.cli.people:password", Role.ADMIN),
        ("people", "trust"): Verb("console.cli.people:trust", Role.ADMIN),
        ("people", "distrust"): Verb("console.cli.people:distrust", Role.ADMIN),
        ("tokens", "list"): Verb("console.cli.tokens:listed", Role.ADMIN),
        ("tokens", "make"): Verb("console.cli.tokens:make", Role.ADMIN),
        ("tokens", "revoke"): Verb("console.cli.tokens:revoke", Role.ADMIN),
        ("rules", "list"): Verb("console.cli.rules:listed", None),
        ("rules", "test"): Verb("console.cli.rules:tried", None),
        ("rules", "schema"): Verb("console.cli.rules:schema", None),
        ("rules", "explain"): Verb("console.cli.rules:explain", Role.VIEWER),
        ("rules", "dry-run"): Verb("console.cli.rules:dry_run", Role.ENGINEER),
        ("mdm", "evaluate"): Verb("console.cli.mdm:evaluate", None),
        ("mdm", "match"): Verb("console.cli.mdm_stewards:match", Role.VIEWER),
        ("mdm", "explain"): Verb("console.cli.mdm_stewards:explain", Role.VIEWER),
        ("mdm", "queue"): Verb("console.cli.mdm_stewards:queue", Role.VIEWER),
        ("mdm", "decide"): Verb("console.cli.mdm_stewards:decide", Role.STEWARD),
        ("mdm", "unmerge"): Verb("console.cli.mdm_stewards:unmerge", Role.STEWARD),
        ("mdm", "relate"): Verb("console.cli.mdm_relations:relate", Role.STEWARD),
        ("mdm", "relations"): Verb("console.cli.mdm_relations:relations", Role.VIEWER),
        ("mdm", "history"): Verb("console.cli.mdm_stewards:history", Role.VIEWER),
        ("plan", "case"): Verb("console.cli.plan:case", None),
        ("plan", "run"): Verb("console.cli.planner:run", Role.VIEWER),
        ("plan", "diff"): Verb("console.cli.planner:diff", Role.VIEWER),
        ("plan", "explain"): Verb("console.cli.planner:explain", Role.VIEWER),
        ("plan", "peg"): Verb("console.cli.planner:peg", Role.VIEWER),
        ("plan", "kit"): Verb("console.cli.planner:kit", Role.VIEWER),
        ("plan", "promise"): Verb("console.cli.promising:promise", Role.VIEWER),
        ("plan", "promise-order"): Verb("console.cli.promising:promise_order", Role.VIEWER),
        ("plan", "promises"): Verb("console.cli.promising:promises", Role.VIEWER),
        ("plan", "release"): Verb("console.cli.promising:release", Role.APPROVER),
        ("plan", "impact"): Verb("console.cli.promising:impact", Role.VIEWER),
        ("plan", "scenario"): Verb("console.cli.planner:scenario", Role.VIEWER),
        ("plan", "shortages"): Verb("console.cli.planner:shortages", Role.VIEWER),
        ("plan", "export"): Verb("console.cli.planner:export", Role.VIEWER),
        ("plan", "purchases"): Verb("console.cli.planner:purchases", Role.VIEWER),
        ("plan", "load"): Verb("console.cli.planner:load", Role.VIEWER),
        ("plan", "configure"): Verb("console.cli.configuring:configure", None),
        ("plan", "configured"): Verb("console.cli.configuring:configured", Role.VIEWER),
        ("plan", "forecast"): Verb("console.cli.reviewing:forecast", Role.VIEWER),
        ("plan", "override"): Verb("console.cli.reviewing:override", Role.STEWARD),
        ("plan", "review"): Verb("console.cli.reviewing:review", Role.VIEWER),
        ("connections", "list"): Verb("console.cli.connections:listed", Role.VIEWER),
        ("connections", "set"): Verb("console.cli.connections:set_state", Role.ENGINEER),
    }
)
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(name[0] for name in VERBS if len(name) > 1))
"""First words that stand for several verbs."""
