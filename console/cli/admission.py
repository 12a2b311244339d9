"""Who calls, and whether they may: asked before a verb begins, of the roll in the store.

The caller is the account of the operating system, as the system itself says: USER and LOGNAME are anybody's to set.
MILLSTREAM_USER names somebody else, and is believed only under an account that an admin trusts to name them. That
trust stands in the store and not in the deployment file, because a caller chooses which deployment file is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from canonical.actors import Actor, Role
from console.cli.failures import NotAllowed
from console.cli.state import account, database_file, now, opened, settings_of
from console.cli.terminal import Terminal
from console.cli.verbs import VERBS, Name
from store import audit, people
from store.people import Person

VARIABLE = "MILLSTREAM_USER"


@dataclass(frozen=True, slots=True)
class _Call:
    """Somebody wants something of a hub that stands."""

    terminal: Terminal
    verb: str
    needs: Role
    account: Person | None
    person: Person | None
    named: str
    admins: str

    def refusal(self) -> NotAllowed | None:
        """Why not: who you are, what is needed, who can grant it; None where they may."""
        me = self.account.name if self.account else account()
        if self.named != me and not (self.account and self.account.speaks_for_others):
            return self._refused("denied.speaks", account=me)
        if not self.admins:
            return self._refused("denied.nobody", owner=_owner(self.terminal))
        if self.person is None:
            return self._refused("denied.unknown")
        if not self.person.may(self.needs):
            return self._refused("denied.role", roles=said_roles(self.terminal, self.person.roles))
        return None

    def _refused(self, key: str, **more: str) -> NotAllowed:
        role = role_name(self.terminal, self.needs)
        values = {
            "name": self.named, "verb": self.verb, "needed": role, "role": self.needs.value, "admins": self.admins,
            **more,
        }  # fmt: skip
        return NotAllowed(self.terminal.say(key, **values), hint=self.terminal.say(f"{key}.hint", **values))


def admitted(terminal: Terminal, name: Name) -> Terminal:
    """The terminal with its caller as the actor; raises `NotAllowed` for who may not call this verb."""
    verb = VERBS.get(name)
    if verb is None:
        raise NotAllowed(terminal.say("denied.verb", verb=" ".join(name)))
    if verb.needs is None:
        return terminal
    file = database_file(settings_of(terminal))
    stands = file is None or file.exists()
    actor = (_known if stands else _founder)(terminal, " ".join(name), verb.needs)
    return replace(terminal, actor=actor)


def _founder(terminal: Terminal, verb: str, needs: Role) -> Actor:
    """Whoever makes the store will be its admin, under the name of their account."""
    me = account()
    named = terminal.environ.get(VARIABLE) or me
    if named != me:
        raise _Call(terminal, verb, needs, None, None, named, me).refusal() or NotAllowed
    return Actor("person", me, Role.ADMIN)


def _known(terminal: Terminal, verb: str, needs: Role) -> Actor:
    me = account()
    named = terminal.environ.get(VARIABLE) or me
    with opened(terminal) as store:
        with store.read() as tx:
            by_name = {one.name: one for one in people.listed(tx)}
        admins = ", ".join(one.name for one in by_name.values() if one.may(Role.ADMIN))
        person = by_name.get(named)
        refusal = _Call(terminal, verb, needs, by_name.get(me), person, named, admins).refusal()
        if refusal is None and person is not None and person.actor is not None:
            return person.actor
        with store.begin() as tx:
            detail = {"needs": needs.value, "account": me}
            audit.append(tx, now(), f"person:{named}", "denied", f"verb/{verb}", detail=detail)
    raise refusal or NotAllowed()


def _owner(terminal: Terminal) -> str:
    """Whose the store's file is: who could make themselves admin."""
    file = database_file(settings_of(terminal))
    try:
        return file.owner() if file is not None else "?"
    except (KeyError, OSError):  # an account that was removed, or a file that is not there yet
        return "?"


def role_name(terminal: Terminal, role: Role) -> str:
    """A role in the caller's language, with the word to type."""
    said = terminal.say(f"role.{role.value}")
    return said if said == role.value else f"{said} {role.value}"


def said_roles(terminal: Terminal, roles: frozenset[Role]) -> str:
    """Somebody's roles, the farthest first."""
    ordered = sorted(roles, key=list(Role).index, reverse=True)
    return ", ".join(role_name(terminal, role) for role in ordered) or terminal.say("role.none")
