"""Who may do what: people and their roles. Whoever is not on this roll may do nothing.

A person goes by one name everywhere: the account of the operating system on the command line, the log-in on
the pages. Every change is written to the audit trail in its own transaction, and an admin always remains.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, text, update

from canonical.actors import Actor, Role
from canonical.errors import MillstreamError
from store import access, audit
from store.database import is_postgresql
from store.statements import insert_new
from store.tables import people, person_roles

_NAME = re.compile(r"[^\s:/\x00-\x1f\x7f]{1,128}")


class LastAdmin(MillstreamError):
    """Somebody must remain who can grant roles."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person on the roll; `speaks_for_others`: their account may act under another person's name."""

    name: str
    display_name: str
    roles: frozenset[Role]
    speaks_for_others: bool
    added_at: datetime
    added_by: str

    def may(self, needed: Role) -> bool:
        """Whether one of the roles covers `needed`."""
        return any(role.may(needed) for role in self.roles)

    @property
    def actor(self) -> Actor | None:
        """The person as an actor with the farthest of the roles; None where they hold none."""
        order = list(Role)
        return Actor("person", self.name, max(self.roles, key=order.index)) if self.roles else None


def listed(tx: Connection) -> list[Person]:
    """Everybody on the roll, by name."""
    return _people(tx)


def person(tx: Connection, name: str) -> Person | None:
    """One person; None for whoever is not on the roll."""
    return next(iter(_people(tx, name)), None)


def admins(tx: Connection) -> list[str]:
    """The names of those who can grant roles."""
    return [one.name for one in _people(tx) if Role.ADMIN in one.roles]


def _people(tx: Connection, name: str | None = None) -> list[Person]:
    query = (
        select(people, person_roles.c.role)
        .join_from(people, person_roles, people.c.name == person_roles.c.name, isouter=True)
        .order_by(people.c.name)
    )
    if name is not None:
        query = query.where(people.c.name == name)
    found: dict[str, list[Row[Any]]] = {}
    for row in tx.execute(query):
        found.setdefault(row.name, []).append(row)
    return [_person(rows) for rows in found.values()]


def _person(rows: list[Row[Any]]) -> Person:
    one, roles = rows[0], frozenset(Role(row.role) for row in rows if row.role is not None)
    return Person(one.name, one.display_name, roles, one.speaks_for_others, one.added_at, one.added_by)


def found(tx: Connection, name: str, now: datetime) -> bool:
    """Make whoever created this store its first admin; False when somebody is on the roll already."""
    _one_at_a_time(tx)
    if tx.execute(select(func.count()).select_from(people)).scalar_one():
        return False
    return add(tx, name, Actor("person", name, Role.ADMIN), now, roles=[Role.ADMIN])


def _one_at_a_time(tx: Connection) -> None:
    """On PostgreSQL two writers see each other's rows only when both are done; SQLite has one writer."""
    if is_postgresql(tx):
        tx.execute(text("LOCK TABLE people IN SHARE ROW EXCLUSIVE MODE"))


def add(
    tx: Connection, name: str, by: Actor | str, now: datetime, *, display_name: str = "", roles: Collection[Role] = ()
) -> bool:
    """Put a person on the roll; False when the name stands there already, raises `MillstreamError` where it is none."""
    if not _NAME.fullmatch(name):
        raise MillstreamError(f"{name!r} cannot name a person", hint="no spaces, no colon, no slash")
    shown = display_name or name
    if not insert_new(tx, people, {"name": name, "display_name": shown, "added_at": now, "added_by": str(by)}):
        return False
    _audit(tx, by, "person added", name, now, display_name=shown)
    for role in sorted(roles, key=list(Role).index):
        grant(tx, name, role, by, now)
    return True


def grant(tx: Connection, name: str, role: Role, by: Actor | str, now: datetime) -> bool:
    """Give a person a role; False when they hold it, or are not on the roll."""
    if person(tx, name) is None:
        return False
    if not insert_new(tx, person_roles, {"name": name, "role": role, "granted_at": now, "granted_by": str(by)}):
        return False
    _audit(tx, by, "role granted", name, now, role=role)
    return True


def revoke(tx: Connection, name: str, role: Role, by: Actor | str, now: datetime) -> bool:
    """Take a role away; False when they do not hold it, raises `LastAdmin` where nobody else could give it back."""
    if role is Role.ADMIN:
        _another_admin(tx, name)
    if not tx.execute(delete(person_roles).where(person_roles.c.name == name, person_roles.c.role == role)).rowcount:
        return False
    _audit(tx, by, "role revoked", name, now, role=role)
    return True


def remove(tx: Connection, name: str, by: Actor | str, now: datetime) -> bool:
    """Take a person off the roll; what they did stays in the audit trail. False when they are not on it."""
    _another_admin(tx, name)
    access.forget(tx, name)
    tx.execute(delete(person_roles).where(person_roles.c.name == name))
    if not tx.execute(delete(people).where(people.c.name == name)).rowcount:
        return False
    _audit(tx, by, "person removed", name, now)
    return True


def let_speak_for_others(tx: Connection, name: str, by: Actor | str, now: datetime, *, allowed: bool) -> bool:
    """Say whether an account may act under another person's name; False when it is so already, or not on the roll."""
    changed = (people.c.name == name) & (people.c.speaks_for_others != allowed)
    if not tx.execute(update(people).where(changed).values(speaks_for_others=allowed)).rowcount:
        return False
    _audit(tx, by, "may speak for others" if allowed else "may no longer speak for others", name, now)
    return True


def _another_admin(tx: Connection, name: str) -> None:
    _one_at_a_time(tx)
    if admins(tx) == [name]:
        raise LastAdmin(key=name, hint="make somebody else admin first")


def _audit(tx: Connection, by: Actor | str, action: str, name: str, now: datetime, **detail: str) -> None:
    audit.append(tx, now, by, action, f"person/{name}", detail=detail or None)
