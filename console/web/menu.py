"""What the menu offers: a page appears as soon as it has a route, to those whose role opens it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from canonical.actors import Role
from console.web.routes import ROUTES

if TYPE_CHECKING:
    from console.web.visit import Visit

_ORDER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("menu.work", ("home", "stuck", "queue", "quarantine", "outbox", "tasks", "notices")),
    ("menu.look", ("orders", "records", "quality", "audit")),
    ("menu.set_up", ("people", "tokens")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the menu."""

    address: str
    title: str
    here: bool


def menu(visit: Visit) -> list[tuple[str, list[Entry]]]:
    """Title of a group → its pages, for who asks."""
    open_to = {one.name for one in ROUTES if isinstance(one.needs, Role) and visit.may(one.needs)} | {"home"}
    if visit.person is None:
        return []
    groups = (
        (visit.words.say(title), [_entry(visit, name) for name in names if name in open_to]) for title, names in _ORDER
    )
    return [(title, entries) for title, entries in groups if entries]


def _entry(visit: Visit, name: str) -> Entry:
    address = str(visit.request.app.url_path_for(name))
    path = visit.request.url.path
    here = path == address or (address != "/" and path.startswith(f"{address}/"))
    return Entry(address, visit.words.say(f"menu.{name}"), here)
