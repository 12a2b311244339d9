"""Every route for every role and for nobody; forms of other sites; what a browser is told."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from canonical.actors import Role, Scope
from console.web.routes import ROUTES, Door
from console.web.routes import Path as Route
from pipeline.hub import Hub, open_hub
from store import audit, tokens
from tests.unit.console.asking import Browser, browser, person

PEOPLE = ("nobody", *Role)
MACHINES = tuple(f"token {scope}" for scope in Scope)
CALLERS = ("anonymous", *PEOPLE, *MACHINES)
"""`nobody` is on the roll and holds no role; a machine comes with its token in the header, or in the address."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path_factory.mktemp("hub"))})
    person(opened, "nobody")
    for role in Role:
        person(opened, role.value, role)
    person(opened, "second.admin", Role.ADMIN)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def browsers(hub: Hub) -> dict[str, Browser]:
    opened = {caller: browser(hub) for caller in CALLERS}
    for caller, one in opened.items():
        if caller in PEOPLE:
            assert one.log_in(caller).status == HTTPStatus.SEE_OTHER
    return opened


@pytest.fixture(scope="module")
def given(hub: Hub) -> dict[str, str]:
    """Caller → the token they hold."""
    with hub.store.begin() as tx:
        made = {scope: tokens.make(tx, scope.value, scope, "test", hub.now(), days=1) for scope in Scope}
    return {f"token {scope}": token for scope, token in made.items()}


def _path(route: Route, token: str = "7") -> str:
    """An address of the route; what it names does not exist."""
    named = {"{token}": token}
    return "/".join(named.get(part, "7") if part.startswith("{") else part for part in route.path.split("/"))


def _may(caller: str, route: Route) -> bool:
    if route.needs is Door.ANYBODY:
        return True
    if isinstance(route.needs, Scope) or caller in MACHINES:
        return caller == f"token {route.needs}"
    if caller == "anonymous":
        return False
    if route.needs is Door.LOGGED_IN:
        return True
    assert isinstance(route.needs, Role)
    return caller != "nobody" and Role(caller).may(route.needs)


LEFT_OUT = {"log_out"}  # it ends the session that the next route needs; it has a test of its own


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", [one for one in ROUTES if one.name not in LEFT_OUT], ids=lambda one: one.name)
def test_route__opens_to_whom_the_table_says(
    browsers: dict[str, Browser], given: dict[str, str], hub: Hub, route: Route, caller: str
) -> None:
    token = given.get(caller, "7")
    asking, path, header = browsers[caller], _path(route, token), {"authorization": f"Bearer {token}"}
    answer = asking.get(path, **header) if route.method == "GET" else asking.post(path, None, csrf=None, **header)
    if isinstance(route.needs, Scope):
        assert (answer.status == HTTPStatus.UNAUTHORIZED) is not _may(caller, route)
        assert answer.status != HTTPStatus.INTERNAL_SERVER_ERROR, answer.text
        assert asking.set_cookies == []
    elif not _may(caller, route):
        turned_away = caller not in PEOPLE and route.method == "GET"
        assert answer.status == (HTTPStatus.SEE_OTHER if turned_away else HTTPStatus.FORBIDDEN)
        assert not turned_away or answer.location.startswith("/log-in")
        _is_audited(hub, caller, route)
    else:
        refused_log_in = route.name == "log_in.try" and answer.status == HTTPStatus.FORBIDDEN
        assert answer.status != HTTPStatus.FORBIDDEN or refused_log_in
        assert answer.status != HTTPStatus.INTERNAL_SERVER_ERROR, answer.text
        assert route.needs is Door.ANYBODY or not answer.location.startswith("/log-in")
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def _is_audited(hub: Hub, caller: str, route: Route) -> None:
    if caller in PEOPLE:
        with hub.store.read() as tx:
            (newest, *_) = audit.listed(tx, f"route/{route.name}")
        assert (newest.actor, newest.action) == (f"person:{caller}", "denied")


FORMS = [one for one in ROUTES if one.method != "GET" and not isinstance(one.needs, Scope)]


@pytest.mark.parametrize("route", FORMS, ids=lambda one: one.name)
def test_changing_route__takes_no_form_of_another_site(browsers: dict[str, Browser], route: Route) -> None:
    admin, path = browsers["admin"], _path(route)
    assert admin.post(path, csrf="").status == HTTPStatus.FORBIDDEN
    assert admin.post(path, csrf=browsers["viewer"].csrf).status == HTTPStatus.FORBIDDEN
    assert admin.post(path, origin="http://evil.example").status == HTTPStatus.FORBIDDEN
    assert admin.post(path, sec_fetch_site="cross-site").status == HTTPStatus.FORBIDDEN


def test_table__names_each_route_once_and_no_get_changes_anything() -> None:
    assert len({one.name for one in ROUTES}) == len(ROUTES)
    assert len({(one.method, one.path) for one in ROUTES}) == len(ROUTES)
    assert {one.method for one in ROUTES} == {"GET", "POST"}
    assert all(one.method == "GET" or one.needs is not Role.VIEWER for one in ROUTES)
    open_doors = {one.name for one in ROUTES if one.needs is Door.ANYBODY}
    assert open_doors == {
        "static", "log_in", "log_in.try", "provider", "provider.back", "password", "password.set",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/nowhere", "/outbox/", "/api", "/static/x", "/log-in/x"])
def test_unknown_route__is_denied(browsers: dict[str, Browser], path: str) -> None:
    assert browsers["anonymous"].get(path).location.startswith("/log-in")
    assert browsers["anonymous"].post(path).status == HTTPStatus.FORBIDDEN
    assert browsers["admin"].get(path).status == HTTPStatus.NOT_FOUND
    assert browsers["admin"].ask("DELETE", path).status == HTTPStatus.NOT_FOUND


def test_known_path__under_another_method_is_denied(browsers: dict[str, Browser]) -> None:
    assert browsers["anonymous"].ask("DELETE", "/outbox").status == HTTPStatus.FORBIDDEN
    assert browsers["admin"].ask("DELETE", "/outbox").status == HTTPStatus.NOT_FOUND


def test_host__that_is_not_ours_is_refused(hub: Hub) -> None:
    assert browser(hub).get("/log-in").status == HTTPStatus.OK
    astray = browser(hub)
    astray.host = "evil.example"
    assert astray.get("/log-in").status == HTTPStatus.BAD_REQUEST
    assert astray.get("/nowhere").status == HTTPStatus.BAD_REQUEST


def test_role__that_was_taken_away_closes_at_once(hub: Hub, tmp_path: Path) -> None:
    from store import people

    person(hub, "leaver", Role.STEWARD)
    asking = browser(hub)
    asking.log_in("leaver")
    assert asking.get("/outbox").status == HTTPStatus.OK
    with hub.store.begin() as tx:
        people.revoke(tx, "leaver", Role.STEWARD, "test", hub.now())
    assert asking.get("/outbox").status == HTTPStatus.FORBIDDEN
    with hub.store.begin() as tx:
        people.remove(tx, "leaver", "test", hub.now())
    assert asking.get("/").location.startswith("/log-in")


def test_form__that_is_too_long_is_refused(browsers: dict[str, Browser]) -> None:
    answer = browsers["admin"].post("/people", {"name": "x" * 300_000})
    assert answer.status == HTTPStatus.BAD_REQUEST
