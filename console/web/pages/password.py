"""Setting a password with a one-time link: the only way to one, for the first as for a forgotten one."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from console.web import passwords
from console.web.cookies import forget_token
from console.web.visit import Visit
from store import access


def form(visit: Visit) -> Response:
    """Twice the new password, for whom the link was made."""
    with visit.hub.store.read() as tx:
        link = access.link(tx, visit.place("token"), visit.now)
    if link is None:
        return visit.refuse(HTTPStatus.NOT_FOUND, "password.no_link")
    return visit.page("password.html", link=link, wrong="", shortest=passwords.SHORTEST)


def save(visit: Visit) -> Response:
    """Keep the new password; whoever is logged in under that name has to log in again."""
    token = visit.place("token")
    with visit.hub.store.read() as tx:
        link = access.link(tx, token, visit.now)
    if link is None:
        return visit.refuse(HTTPStatus.NOT_FOUND, "password.no_link")
    first, again = _typed(visit, "password"), _typed(visit, "again")
    wrong = "password.differs" if first != again else passwords.weakness(link.name, first)
    if wrong is not None:
        said = visit.words.say(wrong, shortest=passwords.SHORTEST, longest=passwords.LONGEST)
        return visit.page(
            "password.html", HTTPStatus.UNPROCESSABLE_ENTITY, link=link, wrong=said, shortest=passwords.SHORTEST
        )
    with visit.site.hashing:
        hashed = passwords.hashed(first)
    with visit.hub.store.begin() as tx:
        if access.set_password(tx, token, hashed, visit.now) is None:
            return visit.refuse(HTTPStatus.NOT_FOUND, "password.no_link")
    answer = visit.go("log_in", told="done.password_set")
    forget_token(answer, visit)
    return answer


def _typed(visit: Visit, name: str) -> str:
    given = visit.form.get(name, "") if visit.form else ""
    return given if isinstance(given, str) else ""
