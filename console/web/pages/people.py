"""People and their roles: who is on the roll, what they may do, and the link with which they set a password."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from canonical.actors import Role
from canonical.errors import MillstreamError
from console.web.visit import Visit
from store import access, people, sessions


def listed(visit: Visit) -> Response:
    """Everybody on the roll."""
    return _page(visit)


def _page(visit: Visit, link: str = "", whose: str = "") -> Response:
    with visit.hub.store.read() as tx:
        roll, known = people.listed(tx), access.with_password(tx)
    return visit.page(
        "people.html", roll=roll, known=known, roles=list(Role), link=link, whose=whose,
        hours=visit.site.access.link_hours, provider=visit.site.access.provider,
    )  # fmt: skip


def add(visit: Visit) -> Response:
    """Put somebody on the roll, with a first role."""
    roles = [role for role in Role if role in visit.fields("role")]
    with visit.hub.store.begin() as tx:
        done = people.add(
            tx, visit.field("name"), visit.actor, visit.now, display_name=visit.field("display_name"), roles=roles
        )
    return visit.go("people", told="done.added" if done else "done.nothing")


def change_roles(visit: Visit) -> Response:
    """Make the ticked roles the roles of a person."""
    name, wanted = visit.field("name"), set(visit.fields("role"))
    with visit.hub.store.begin() as tx:
        one = people.person(tx, name)
        if one is None:
            raise MillstreamError(visit.words.say("people.unknown", name=name))
        given = [people.grant(tx, name, role, visit.actor, visit.now) for role in Role if role in wanted]
        taken = [
            people.revoke(tx, name, role, visit.actor, visit.now) for role in sorted(one.roles) if role not in wanted
        ]
    return visit.go("people", told="done.roles" if any((*given, *taken)) else "done.nothing")


def make_link(visit: Visit) -> Response:
    """A one-time link, shown this once."""
    name, chosen = visit.field("name"), visit.site.access
    with visit.hub.store.begin() as tx:
        if people.person(tx, name) is None:
            raise MillstreamError(visit.words.say("people.unknown", name=name))
        token = access.make_link(tx, name, visit.actor, visit.now, timedelta(hours=chosen.link_hours))
    place = chosen.public_url or visit.site.address
    return _page(visit, f"{place}{visit.to('password', {'token': token})}", name)


def log_out(visit: Visit) -> Response:
    """End every session of a person, at once."""
    name = visit.field("name")
    with visit.hub.store.begin() as tx:
        done = sessions.end_everywhere(tx, name, visit.actor, visit.now)
    return visit.go("people", told="done.sessions" if done else "done.nothing")


def remove(visit: Visit) -> Response:
    """Take a person off the roll."""
    with visit.hub.store.begin() as tx:
        done = people.remove(tx, visit.field("name"), visit.actor, visit.now)
    return visit.go("people", told="done.removed" if done else "done.nothing")
