"""Logging in: tokens, their ends, attempts, one-time links; and what the browser is told to do with its cookie."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlalchemy import select

from canonical.actors import Role
from canonical.errors import ConfigurationError
from console.web import passwords
from console.web.app import web_app
from console.web.pages.log_in import inside
from pipeline.hub import Hub, open_hub
from store import access, audit, people
from store.tables import failed_log_ins
from store.tables import passwords as password_table
from store.tables import sessions as session_table
from tests.unit.console.asking import PASSWORD, Browser, browser, person


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


DEPLOYMENT = """\
name: plant
systems: {crm: {role: crm}}
rulebooks: []
sales_order_system: crm
access: {idle_minutes: 30, longest_hours: 12, failures_per_name: 3, failures_per_address: 6, window_minutes: 15}
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    file = tmp_path / "plant.yaml"
    file.write_text(DEPLOYMENT, encoding="utf-8")
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path), "MILLSTREAM_DEPLOYMENT": str(file)})
    opened.now = Clock(opened.now())
    person(opened, "li.wei", Role.STEWARD)
    yield opened
    opened.close()


@pytest.fixture
def clock(hub: Hub) -> Clock:
    assert isinstance(hub.now, Clock)
    return hub.now


def acts(hub: Hub, name: str = "li.wei") -> list[str]:
    with hub.store.read() as tx:
        return [act.action for act in audit.listed(tx, f"person/{name}")]


def test_log_in__gives_a_new_token_and_only_its_hash_is_kept(hub: Hub) -> None:
    asking = browser(hub)
    asking.get("/log-in")
    before = asking.token
    assert asking.log_in("li.wei").location == "/"
    assert asking.token not in {before, ""}
    assert asking.get("/").status == HTTPStatus.OK
    with hub.store.read() as tx:
        (kept,) = tx.execute(select(session_table.c.token_hash)).scalars()
        (password,) = tx.execute(select(password_table.c.hash)).scalars()
    assert kept == access.digest(asking.token) != asking.token
    assert password.startswith("$argon2id$")
    assert acts(hub)[0] == "logged in"


def test_log_in__with_a_token_set_by_somebody_else_does_not_make_it_a_session(hub: Hub) -> None:
    victim, attacker = browser(hub), browser(hub)
    attacker.get("/log-in")
    victim.cookies = dict(attacker.cookies)
    victim.log_in("li.wei")
    assert attacker.get("/").location == "/log-in"


@pytest.mark.parametrize(("name", "password"), [("li.wei", "wrong"), ("li.wei", ""), ("nobody.known", PASSWORD)])
def test_log_in__that_fails_says_nothing_about_why(hub: Hub, name: str, password: str) -> None:
    asking = browser(hub)
    answer = asking.log_in(name, password)
    assert (answer.status, "Name or password is wrong." in answer.text) == (HTTPStatus.FORBIDDEN, True)
    assert acts(hub, name)[0] == "log-in failed"
    assert asking.get("/").location == "/log-in"


def test_attempts__of_one_name_end_even_with_the_right_password(hub: Hub, clock: Clock) -> None:
    asking = browser(hub)
    for _ in range(3):
        assert asking.log_in("li.wei", "wrong").status == HTTPStatus.FORBIDDEN
    assert asking.log_in("li.wei").status == HTTPStatus.TOO_MANY_REQUESTS
    clock.move(minutes=16)
    assert asking.log_in("li.wei").status == HTTPStatus.SEE_OTHER


def test_attempts__of_one_address_end_whatever_the_names(hub: Hub, clock: Clock) -> None:
    asking = browser(hub)
    for number in range(6):
        assert asking.log_in(f"guess-{number}", "wrong").status == HTTPStatus.FORBIDDEN
    assert asking.log_in("li.wei").status == HTTPStatus.TOO_MANY_REQUESTS
    elsewhere = Browser(asking.app, address="10.0.0.8")
    assert elsewhere.log_in("li.wei").status == HTTPStatus.SEE_OTHER
    clock.move(minutes=16)
    assert asking.log_in("guess-7", "wrong").status == HTTPStatus.FORBIDDEN
    with hub.store.read() as tx:
        assert len(tx.execute(select(failed_log_ins)).all()) == 2  # what is too old to count is forgotten


def test_attempts__that_went_well_clear_the_name(hub: Hub) -> None:
    asking = browser(hub)
    for _ in range(2):
        asking.log_in("li.wei", "wrong")
    asking.log_in("li.wei")
    for _ in range(2):
        assert Browser(asking.app).log_in("li.wei", "wrong").status == HTTPStatus.FORBIDDEN


def test_session__ends_when_idle(hub: Hub, clock: Clock) -> None:
    asking = browser(hub)
    asking.log_in("li.wei")
    for _ in range(4):
        clock.move(minutes=20)
        assert asking.get("/outbox").status == HTTPStatus.OK
    clock.move(minutes=31)
    assert asking.get("/outbox").location.startswith("/log-in")


def test_session__ends_at_its_latest_moment_however_busy(hub: Hub, clock: Clock) -> None:
    asking = browser(hub)
    asking.log_in("li.wei")
    for _ in range(35):
        clock.move(minutes=20)
        assert asking.get("/outbox").status == HTTPStatus.OK
    clock.move(minutes=21)
    assert asking.get("/outbox").location.startswith("/log-in")


def test_log_out__ends_the_session_in_the_store(hub: Hub) -> None:
    asking = browser(hub)
    asking.log_in("li.wei")
    cookies = dict(asking.cookies)
    assert asking.get("/log-out").status == HTTPStatus.NOT_FOUND
    assert asking.post("/log-out").location.startswith("/log-in")
    asking.cookies = cookies
    assert asking.get("/").location == "/log-in"
    assert acts(hub)[0] == "logged out"


def test_cookie__over_http_and_over_https(hub: Hub) -> None:
    plain = browser(hub)
    plain.log_in("li.wei")
    (cookie,) = plain.set_cookies
    assert all(word in cookie for word in ("millstream=", "HttpOnly", "SameSite=lax", "Path=/"))
    safe = Browser(plain.app, scheme="https")
    safe.log_in("li.wei")
    (cookie,) = safe.set_cookies
    assert cookie.startswith("__Host-millstream=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"))
    assert "Domain" not in cookie


def test_answer__carries_its_headers_and_is_kept_by_nobody(hub: Hub) -> None:
    asking = browser(hub)
    asking.log_in("li.wei")
    for path in ("/", "/outbox", "/nowhere"):
        headers = asking.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("/outbox?state=held", "/outbox?state=held"), ("//evil.example", "/"), ("/\\evil.example", "/"),
        ("https://evil.example", "/"), (None, "/"), ("/a\nb", "/"),
    ],
)  # fmt: skip
def test_after_the_log_in__only_pages_of_ours(wanted: str | None, page: str) -> None:
    assert inside(wanted) == page


def link(hub: Hub, name: str = "li.wei", hours: float = 24) -> str:
    with hub.store.begin() as tx:
        return access.make_link(tx, name, "person:root", hub.now(), timedelta(hours=hours))


def test_link__sets_a_password_once_and_ends_every_session(hub: Hub) -> None:
    logged_in, asking, token = browser(hub), browser(hub), link(hub)
    logged_in.log_in("li.wei")
    assert asking.get(f"/password/{token}").status == HTTPStatus.OK
    new = {"password": "another way round the mill", "again": "another way round the mill"}
    assert asking.post(f"/password/{token}", new).location.startswith("/log-in")
    assert logged_in.get("/").location == "/log-in"
    asking.get("/log-in")
    assert asking.post(f"/password/{token}", new).status == HTTPStatus.NOT_FOUND
    assert asking.log_in("li.wei").status == HTTPStatus.FORBIDDEN
    assert asking.log_in("li.wei", new["password"]).status == HTTPStatus.SEE_OTHER
    assert "password set" in acts(hub)


def test_link__is_spent_by_a_newer_one_and_by_time(hub: Hub, clock: Clock) -> None:
    asking, first = browser(hub), link(hub)
    second = link(hub)
    assert asking.get(f"/password/{first}").status == HTTPStatus.NOT_FOUND
    assert asking.get(f"/password/{second}").status == HTTPStatus.OK
    clock.move(hours=25)
    assert asking.get(f"/password/{second}").status == HTTPStatus.NOT_FOUND
    assert asking.get(f"/password/{'x' * 43}").status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("short", "short"), ("long enough, surely", "but not the same"), ("aaaaaaaaaaaaaaaa",) * 2,
        ("li.wei's password",) * 2,
    ],
)  # fmt: skip
def test_password__that_is_weak_is_refused_and_the_link_stays(hub: Hub, first: str, again: str) -> None:
    asking, token = browser(hub), link(hub)
    asking.get(f"/password/{token}")
    answer = asking.post(f"/password/{token}", {"password": first, "again": again})
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert asking.get(f"/password/{token}").status == HTTPStatus.OK


def test_person__taken_off_the_roll_leaves_no_way_in(hub: Hub) -> None:
    link(hub)
    person(hub, "root", Role.ADMIN)
    with hub.store.begin() as tx:
        assert people.remove(tx, "li.wei", "person:root", hub.now())
        assert access.password_hash(tx, "li.wei") is None
    assert browser(hub).log_in("li.wei").status == HTTPStatus.FORBIDDEN


def test_store__has_no_account_by_itself(tmp_path: Path) -> None:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    with opened.store.read() as tx:
        assert tx.execute(select(password_table)).all() == []
    opened.close()


def test_password_hash__that_is_no_hash_lets_nobody_in() -> None:
    assert not passwords.is_right("", "")
    assert not passwords.is_right("not a hash", "not a hash")
    assert not passwords.is_right(None, "nobody's password")


def test_admin__manages_people_on_the_page(hub: Hub) -> None:
    person(hub, "root", Role.ADMIN)
    asking = browser(hub)
    asking.log_in("root")
    assert "done.added" in asking.post("/people", {"name": "wang.fang", "role": "viewer"}).location
    page = asking.post("/people/link", {"name": "wang.fang"})
    assert "/password/" in page.text
    assert "done.roles" in asking.post("/people/roles", {"name": "wang.fang", "role": ["steward", "approver"]}).location
    with hub.store.read() as tx:
        one = people.person(tx, "wang.fang")
    assert one is not None
    assert one.roles == {Role.STEWARD, Role.APPROVER}
    last = asking.post("/people/roles", {"name": "root", "role": "viewer"})
    assert last.status == HTTPStatus.CONFLICT
    assert "done.sessions" in asking.post("/people/log-out", {"name": "root"}).location
    assert asking.get("/people").location.startswith("/log-in")


def test_deployment__with_a_provider_whose_secret_is_not_set_does_not_start(tmp_path: Path) -> None:
    provider = "{title: D, issuer: 'https://d.example', client_id: m, client_secret: {env: NO_SUCH_SECRET}}"
    file = tmp_path / "plant.yaml"
    file.write_text(DEPLOYMENT.replace("{idle_minutes: 30,", f"{{provider: {provider},"), encoding="utf-8")
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path), "MILLSTREAM_DEPLOYMENT": str(file)})
    with pytest.raises(ConfigurationError, match="NO_SUCH_SECRET"):
        web_app(opened)
    opened.close()


def test_proxy__that_ends_the_encryption_changes_no_flag_of_the_cookies(tmp_path: Path) -> None:
    file = tmp_path / "plant.yaml"
    text = DEPLOYMENT.replace("{idle_minutes: 30,", "{public_url: 'https://hub.plant.example', idle_minutes: 30,")
    file.write_text(text, encoding="utf-8")
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path), "MILLSTREAM_DEPLOYMENT": str(file)})
    person(opened, "li.wei", Role.STEWARD)
    asking = Browser(web_app(opened), host="hub.plant.example")  # the proxy speaks plain http to the hub
    asking.get("/log-in?lang=zh")
    assert len(asking.set_cookies) == 2
    assert all(word in one for one in asking.set_cookies for word in ("Secure", "HttpOnly", "SameSite=lax"))
    before = asking.token
    form = {"name": "li.wei", "password": PASSWORD}
    answer = asking.post("/log-in", form, origin="https://hub.plant.example", sec_fetch_site="same-origin")
    assert answer.status == HTTPStatus.SEE_OTHER
    (cookie,) = asking.set_cookies
    assert cookie.startswith("__Host-millstream=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"))
    assert asking.token != before
    assert "max-age=" in answer.headers["strict-transport-security"]
    assert asking.post("/log-out", origin="https://evil.example").status == HTTPStatus.FORBIDDEN
    opened.close()
