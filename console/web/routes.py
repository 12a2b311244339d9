"""Every route of the pages, once: where it is written, and what its caller needs.

What stands not here cannot be reached: whoever adds a route says here who may.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from canonical.actors import Role, Scope


class Door(Enum):
    """Who may come in without a role."""

    ANYBODY = "anybody"
    """Also who is not logged in: the log-in itself, and what it is drawn with."""
    LOGGED_IN = "logged in"
    """Whoever is on the roll, with or without a role."""


@dataclass(frozen=True, slots=True)
class Path:
    """One route: its method and address, its name, `module:function` below `console.web`, and what its caller needs."""

    method: str
    path: str
    name: str
    target: str
    needs: Role | Door | Scope
    """A role of a person, or the scope of a machine's token: what one opens, the other does not."""


ROUTES: tuple[Path, ...] = (
    Path("GET", "/static/{digest}/{file}", "static", "assets:static", Door.ANYBODY),
    Path("GET", "/log-in", "log_in", "pages.log_in:form", Door.ANYBODY),
    Path("POST", "/log-in", "log_in.try", "pages.log_in:log_in", Door.ANYBODY),
    Path("GET", "/log-in/provider", "provider", "pages.provider:leave", Door.ANYBODY),
    Path("GET", "/log-in/provider/back", "provider.back", "pages.provider:come_back", Door.ANYBODY),
    Path("GET", "/password/{token}", "password", "pages.password:form", Door.ANYBODY),
    Path("POST", "/password/{token}", "password.set", "pages.password:save", Door.ANYBODY),
    Path("POST", "/log-out", "log_out", "pages.log_in:log_out", Door.LOGGED_IN),
    Path("GET", "/", "home", "pages.home:show", Door.LOGGED_IN),
    # -- outbox ------------------------------------------------------------------------------------------------------
    Path("GET", "/outbox", "outbox", "pages.outbox:listed", Role.VIEWER),
    Path("POST", "/outbox/approve", "outbox.approve", "pages.outbox:approve_chosen", Role.APPROVER),
    Path("GET", "/outbox/{command}", "command", "pages.outbox:show", Role.VIEWER),
    Path("POST", "/outbox/{command}/retry", "command.retry", "pages.outbox:retry", Role.APPROVER),
    Path("POST", "/outbox/{command}/park", "command.park", "pages.outbox:park", Role.APPROVER),
    Path("POST", "/outbox/{command}/approve", "command.approve", "pages.outbox:approve", Role.APPROVER),
    Path("POST", "/outbox/{command}/resolve", "command.resolve", "pages.outbox:resolve", Role.APPROVER),
    # -- tasks and notices -------------------------------------------------------------------------------------------
    Path("GET", "/tasks", "tasks", "pages.waiting:task_list", Role.VIEWER),
    Path("POST", "/tasks/{number}", "task.settle", "pages.waiting:settle", Role.STEWARD),
    Path("GET", "/notices", "notices", "pages.waiting:notice_list", Role.VIEWER),
    Path("POST", "/notices", "notices.acknowledge", "pages.waiting:acknowledge", Role.STEWARD),
    # -- quarantine --------------------------------------------------------------------------------------------------
    Path("GET", "/quarantine", "quarantine", "pages.quarantine:listed", Role.VIEWER),
    Path("GET", "/quarantine/record", "quarantined", "pages.quarantine:show", Role.VIEWER),
    Path("POST", "/quarantine/record", "quarantined.replay", "pages.quarantine:replay", Role.STEWARD),
    Path("GET", "/stuck", "stuck", "pages.stuck:show", Role.VIEWER),
    Path("GET", "/orders", "orders", "pages.orders:show", Role.VIEWER),
    # -- looking, and setting up -------------------------------------------------------------------------------------
    Path("GET", "/quality", "quality", "pages.quality:show", Role.VIEWER),
    Path("GET", "/audit", "audit", "pages.audit:show", Role.APPROVER),
    Path("GET", "/people", "people", "pages.people:listed", Role.ADMIN),
    Path("POST", "/people", "people.add", "pages.people:add", Role.ADMIN),
    Path("POST", "/people/roles", "people.roles", "pages.people:change_roles", Role.ADMIN),
    Path("POST", "/people/link", "people.link", "pages.people:make_link", Role.ADMIN),
    Path("POST", "/people/log-out", "people.log_out", "pages.people:log_out", Role.ADMIN),
    Path("POST", "/people/remove", "people.remove", "pages.people:remove", Role.ADMIN),
    Path("GET", "/tokens", "tokens", "pages.tokens:listed", Role.ADMIN),
    Path("POST", "/tokens", "tokens.make", "pages.tokens:make", Role.ADMIN),
    Path("POST", "/tokens/revoke", "tokens.revoke", "pages.tokens:revoke", Role.ADMIN),
    # -- stewards ----------------------------------------------------------------------------------------------------
    Path("GET", "/queue", "queue", "stewards.queue:show", Role.VIEWER),
    Path("POST", "/queue/preview", "queue.preview", "stewards.bulk:preview", Role.STEWARD),
    Path("POST", "/queue/decide", "queue.decide", "stewards.bulk:decide", Role.STEWARD),
    Path("POST", "/queue/assign", "queue.assign", "stewards.bulk:assign", Role.STEWARD),
    Path("POST", "/queue/undo", "queue.undo", "stewards.item:undo", Role.STEWARD),
    Path("GET", "/queue/{item}", "queue.item", "stewards.item:show", Role.VIEWER),
    Path("POST", "/queue/{item}", "queue.settle", "stewards.item:settle", Role.STEWARD),
    Path("POST", "/queue/{item}/answer", "queue.answer", "stewards.item:answer", Role.APPROVER),
    Path("GET", "/compare", "compare", "stewards.compare:show", Role.VIEWER),
    Path("POST", "/compare", "compare.decide", "stewards.compare:decide", Role.STEWARD),
    Path("GET", "/records", "records", "stewards.record:search", Role.VIEWER),
    Path("GET", "/records/{entity}", "record", "stewards.record:show", Role.VIEWER),
    Path("POST", "/records/{entity}/merge", "record.merge", "stewards.record:merge", Role.STEWARD),
    Path("POST", "/records/{entity}/split", "record.split", "stewards.record:split", Role.STEWARD),
    Path("POST", "/records/{entity}/pin", "record.pin", "stewards.record:pin", Role.STEWARD),
    Path("POST", "/records/{entity}/relate", "record.relate", "stewards.relation:relate", Role.STEWARD),
    Path("POST", "/records/{entity}/revoke", "record.revoke", "stewards.record:revoke", Role.STEWARD),
    # -- machines ----------------------------------------------------------------------------------------------------
    Path("POST", "/api/match/{entity}", "match", "match:match", Scope.MATCH),
    Path("GET", "/reconcile/{token}/{entity}", "reconcile", "reconciling:service", Scope.RECONCILE),
    Path("POST", "/reconcile/{token}/{entity}", "reconcile.ask", "reconciling:service", Scope.RECONCILE),
    Path(
        "GET", "/reconcile/{token}/{entity}/suggest/{what}", "reconcile.suggest", "reconciling:suggest", Scope.RECONCILE
    ),
    Path(
        "GET",
        "/reconcile/{token}/{entity}/properties",
        "reconcile.properties",
        "reconciling:properties",
        Scope.RECONCILE,
    ),
    Path("GET", "/reconcile/{token}/{entity}/preview", "reconcile.preview", "reconciling:preview", Scope.RECONCILE),
)
