"""Logging in and out. A name and an address have so many attempts; what failed says nothing about why."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from starlette.responses import RedirectResponse, Response

from console.web import passwords
from console.web.cookies import forget_token, remember_token
from console.web.visit import Visit
from store import access, audit, people, sessions
from store.unit_of_work import Transaction

_NAME_LENGTH = 128


def form(visit: Visit) -> Response:
    """Name and password, and the button of the provider where there is one."""
    if visit.person is not None:
        return RedirectResponse(inside(visit.asked("next")), HTTPStatus.SEE_OTHER)
    return _form(visit)


def _form(visit: Visit, wrong: str = "", status: HTTPStatus = HTTPStatus.OK) -> Response:
    wanted = inside(visit.field("next") or visit.asked("next"))
    return visit.page(
        "log_in.html", status, wrong=wrong, next=wanted, provider=visit.site.access.provider,
        name=visit.field("name")[:_NAME_LENGTH],
    )  # fmt: skip


def log_in(visit: Visit) -> Response:
    """Let somebody in who is on the roll and knows their password."""
    name, password = visit.field("name")[:_NAME_LENGTH], _password(visit)
    if not may_try(visit, name) or visit.site.of_log_ins.wait(name):
        return _form(visit, visit.words.say("log_in.wait"), HTTPStatus.TOO_MANY_REQUESTS)
    with visit.hub.store.read() as tx:
        person = people.person(tx, name)
        kept = access.password_hash(tx, name) if person else None
    with visit.site.hashing:
        right = passwords.is_right(kept, password)
    if not right or person is None or kept is None:
        failed(visit, name, "password")
        return _form(visit, visit.words.say("log_in.wrong"), HTTPStatus.FORBIDDEN)
    fresh = passwords.hashed(password) if passwords.is_outdated(kept) else None
    with visit.hub.store.begin() as tx:
        if fresh is not None:
            access.rehash(tx, name, fresh, visit.now)
        return let_in(visit, tx, name, "password", inside(visit.field("next")))


def _password(visit: Visit) -> str:
    """As it was typed: white space belongs to a password."""
    given = visit.form.get("password", "") if visit.form else ""
    return given[: passwords.LONGEST] if isinstance(given, str) else ""


def may_try(visit: Visit, name: str | None = None) -> bool:
    """Whether neither the address nor, where one is named, the name has failed too often of late."""
    chosen = visit.site.access
    since = visit.now - timedelta(minutes=chosen.window_minutes)
    with visit.hub.store.read() as tx:
        of_name = access.failures(tx, f"name:{name}", since) if name is not None else 0
        of_address = access.failures(tx, f"address:{visit.address}", since)
    return of_name < chosen.failures_per_name and of_address < chosen.failures_per_address


def failed(visit: Visit, name: str, via: str) -> None:
    """Write down that somebody tried in vain. Only a wrong password counts against the name.

    What a provider refuses counts against the address alone: anybody may come back from it with a code of their own
    making, and would otherwise lock out whom they name, or everybody.
    """
    kept = timedelta(minutes=visit.site.access.window_minutes)
    subjects = [f"address:{visit.address}", *([f"name:{name}"] if via == "password" else [])]
    with visit.hub.store.begin() as tx:
        access.note_failure(tx, subjects, visit.now, kept)
        detail = {"address": visit.address, "via": via}
        audit.append(tx, visit.now, f"person:{name}", "log-in failed", f"person/{name}", detail=detail)


def let_in(visit: Visit, tx: Transaction, name: str, via: str, onwards: str) -> Response:
    """A new session under a new token; whatever token the browser held before is worth nothing now."""
    sessions.end(tx, visit.token)
    token = sessions.begin(tx, name, via, visit.now, timedelta(hours=visit.site.access.longest_hours))
    access.forgive(tx, f"name:{name}")
    detail = {"address": visit.address, "via": via}
    audit.append(tx, visit.now, f"person:{name}", "logged in", f"person/{name}", detail=detail)
    answer = RedirectResponse(onwards, HTTPStatus.SEE_OTHER)
    remember_token(answer, visit, token)
    return answer


def log_out(visit: Visit) -> Response:
    """End the session here and in the store."""
    assert visit.person is not None
    with visit.hub.store.begin() as tx:
        sessions.end(tx, visit.token)
        audit.append(tx, visit.now, f"person:{visit.person.name}", "logged out", f"person/{visit.person.name}")
    answer = visit.go("log_in", told="done.logged_out")
    forget_token(answer, visit)
    return answer


def inside(wanted: str | None) -> str:
    """Where to go after the log-in: a page of ours, never another site."""
    safe = wanted is not None and wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if safe and wanted is not None and wanted.isprintable() else "/"
