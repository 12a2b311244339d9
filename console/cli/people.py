"""`millstream people`: who is on the roll of this hub, and what they may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from canonical.actors import Role
from canonical.strict_yaml import suggest
from console.cli.admission import said_roles
from console.cli.failures import NotKnown
from console.cli.serve import PORT
from console.cli.state import now, opened, settings_of
from console.cli.terminal import Exit, Terminal
from store import access, people
from store.people import Person
from store.unit_of_work import Transaction

Caller = Annotated[Terminal, Parameter(parse=False)]
RoleName = Literal["viewer", "steward", "approver", "engineer", "admin"]


def listed(*, terminal: Caller) -> Exit:
    """List the people on the roll, with their roles."""
    with opened(terminal) as store, store.read() as tx:
        found = people.listed(tx)
    columns = ("col.person", "col.name", "col.roles", "col.trusted", "col.since", "col.actor")

    def draw() -> None:
        rows = [
            (
                one.name, one.display_name, said_roles(terminal, one.roles),
                terminal.say("people.trusted") if one.speaks_for_others else "", one.added_at, one.added_by,
            )
            for one in found
        ]  # fmt: skip
        terminal.table(columns, rows)

    terminal.answer([_row(one) for one in found], draw)
    return Exit.OK


def _row(one: Person) -> dict[str, Any]:
    return {
        "name": one.name, "display_name": one.display_name,
        "roles": [role.value for role in Role if role in one.roles], "speaks_for_others": one.speaks_for_others,
        "added_at": one.added_at, "added_by": one.added_by,
    }  # fmt: skip


def add(name: str, /, *, role: tuple[RoleName, ...] = (), display_name: str = "", terminal: Caller) -> Exit:
    """Put a person on the roll; without a role they may do nothing yet.

    Parameters
    ----------
    name
        The account they work under: of the operating system for this command line, the log-in for the pages.
    role
        A role they get; may be given several times. Each may do what the ones before it may: viewer, steward,
        approver, engineer, admin.
    display_name
        How they are shown to others.
    """
    with opened(terminal, create=True) as store, store.begin() as tx:
        roles = [Role(one) for one in role]
        done = people.add(tx, name, terminal.person, now(), display_name=display_name, roles=roles)
        return _changed(terminal, tx, name, "added", done=done)


def grant(name: str, role: RoleName, /, *, terminal: Caller) -> Exit:
    """Give a person a role.

    Parameters
    ----------
    name
        Somebody on the roll.
    role
        viewer, steward, approver, engineer or admin.
    """
    with opened(terminal) as store, store.begin() as tx:
        _standing(terminal, tx, name)
        done = people.grant(tx, name, Role(role), terminal.person, now())
        return _changed(terminal, tx, name, "granted", done=done)


def revoke(name: str, role: RoleName, /, *, terminal: Caller) -> Exit:
    """Take a role away from a person.

    Parameters
    ----------
    name
        Somebody on the roll.
    role
        The role they hold.
    """
    with opened(terminal) as store, store.begin() as tx:
        _standing(terminal, tx, name)
        done = people.revoke(tx, name, Role(role), terminal.person, now())
        return _changed(terminal, tx, name, "revoked", done=done)


def remove(name: str, /, *, terminal: Caller) -> Exit:
    """Take a person off the roll; what they did stays in the audit trail.

    Parameters
    ----------
    name
        Somebody on the roll.
    """
    with opened(terminal) as store, store.begin() as tx:
        _standing(terminal, tx, name)
        done = people.remove(tx, name, terminal.person, now())
    answer = {"name": name, "changed": done}
    terminal.answer(answer, lambda: terminal.line("people.removed", name=name))
    return Exit.OK


def password(name: str, /, *, hours: int | None = None, terminal: Caller) -> Exit:
    """Make a one-time link with which somebody sets their password for the pages; earlier links end.

    Parameters
    ----------
    name
        Somebody on the roll.
    hours
        How long the link is good for; as the deployment says where left out.
    """
    chosen = settings_of(terminal).load_deployment().access
    lifetime = timedelta(hours=chosen.link_hours if hours is None else hours)
    with opened(terminal) as store, store.begin() as tx:
        _standing(terminal, tx, name)
        moment = now()
        token = access.make_link(tx, name, terminal.person, moment, lifetime)
    url = f"{chosen.public_url or f'http://127.0.0.1:{PORT}'}/password/{token}"
    answer = {"name": name, "url": url, "until": moment + lifetime}

    def draw() -> None:
        terminal.line("people.link", url=url, until=f"{moment + lifetime:%Y-%m-%d %H:%M}Z")
        if chosen.public_url is None:
            terminal.line("address.assumed", port=PORT)

    terminal.answer(answer, draw)
    return Exit.OK


def trust(name: str, /, *, terminal: Caller) -> Exit:
    """Believe MILLSTREAM_USER where this account sets it: a container or a gateway that several people use.

    Parameters
    ----------
    name
        The account on the roll. Whoever may use it may act as anybody on the roll.
    """
    return _trusted(terminal, name, allowed=True)


def distrust(name: str, /, *, terminal: Caller) -> Exit:
    """Believe MILLSTREAM_USER no more where this account sets it.

    Parameters
    ----------
    name
        The account on the roll.
    """
    return _trusted(terminal, name, allowed=False)


def _trusted(terminal: Terminal, name: str, *, allowed: bool) -> Exit:
    with opened(terminal) as store, store.begin() as tx:
        _standing(terminal, tx, name)
        done = people.let_speak_for_others(tx, name, terminal.person, now(), allowed=allowed)
        return _changed(terminal, tx, name, "is_trusted" if allowed else "is_distrusted", done=done)


def _standing(terminal: Terminal, tx: Transaction, name: str) -> None:
    """Raise `NotKnown` for who is not on the roll, with who is meant perhaps."""
    known = [one.name for one in people.listed(tx)]
    if name not in known:
        raise NotKnown(terminal.say("people.unknown", name=name), hint=suggest(name, known))


def _changed(terminal: Terminal, tx: Transaction, name: str, key: str, *, done: bool) -> Exit:
    """How the person stands now; a change that was none is no error."""
    one = people.person(tx, name)
    assert one is not None
    said = f"people.{key}" if done else "people.unchanged"
    roles = said_roles(terminal, one.roles)
    terminal.answer({**_row(one), "changed": done}, lambda: terminal.line(said, name=name, roles=roles))
    return Exit.OK
