"""What somebody tries who means harm: names that are scripts, bodies without end, addresses that lead elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from time import process_time
from typing import Any
from urllib.parse import quote

import pytest
from starlette.requests import Request

from canonical.actors import Role
from canonical.errors import MillstreamError
from console.web.bodies import TooLong, bounded
from console.web.site import Site
from console.web.stewards.marking import marked
from pipeline import stewardship
from pipeline.hub import Hub
from store import access, audit, notices, quarantine, tasks
from store.notices import Notice
from store.quarantine import Rejection
from store.tasks import Task
from tests.unit.console.asking import Browser, browser, person
from tests.unit.pipeline.mastered import LI, MasteredPlant, mastered_plant, ref

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
MARKS = ("<script>alert", "<img src=x")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MasteredPlant]:
    made = mastered_plant(tmp_path_factory.mktemp("plant"))
    made.put("item", "erp:1", name=f"螺钉 M8×20 {EVIL}", drawing_number="DW-1", sourcing="buy", specification=EVIL)
    made.put("item", "mes:1", name=f"螺钉 M8×20 {EVIL}", drawing_number="DW-1", sourcing="make")
    made.put("item", f"crm:{EVIL}", name=f"螺钉 M8*20 {EVIL}", unit="pcs")
    made.master()
    hub = made.hub
    person(hub, "root", Role.ADMIN)
    stewardship.decide(hub, LI, stewardship.different("item", ref("erp:1"), ref(f"crm:{EVIL}"), EVIL))
    stewardship.revoke(hub, LI, 1, EVIL)
    with hub.store.begin() as tx:
        broken = [Rejection(EVIL, "rule", EVIL, EVIL, {"a": EVIL})]
        quarantine.replace(tx, "conform", "erp", "item", broken, now=hub.now())
        unknown = [Rejection(EVIL, "unknown_reference", EVIL, "item", {"item": EVIL})]
        quarantine.replace(tx, "reconcile", "erp", "stock", unknown, now=hub.now())
        tasks.open_all(tx, [Task("review", EVIL, EVIL, {"en": EVIL, "zh": EVIL}, "r", "e")], hub.now())
        notices.add(tx, [Notice(EVIL, "k", {"en": EVIL, "zh": EVIL}, "r", "e")], hub.now())
        audit.append(tx, hub.now(), EVIL, EVIL, EVIL, detail={EVIL: EVIL})
    yield made
    hub.close()


@pytest.fixture(scope="module")
def root(plant: MasteredPlant) -> Browser:
    asking = browser(plant.hub)
    assert asking.log_in("root").status == HTTPStatus.SEE_OTHER
    return asking


def _pages(hub: Hub) -> list[str]:
    asked = quote(EVIL)
    waiting = [f"/queue/{one.item}" for one in stewardship.queue(hub).items]
    assert {one.kind for one in stewardship.queue(hub).items} >= {"match", "conflict", "reference"}
    return [
        *waiting, "/", "/queue", f"/queue?text={asked}&entity={asked}&who={asked}", "/records?text=M8",
        f"/records?text={asked}", "/records/item?id=DW-1", f"/records/item?id={quote(f'crm:{EVIL}')}",
        f"/compare?record=erp:1&record={quote(f'crm:{EVIL}')}", f"/compare?record={asked}", "/quarantine",
        f"/quarantine?rule={asked}", f"/quarantine/record?stage=conform&system=erp&entity=item&key={asked}",
        f"/orders?number={asked}", "/stuck", "/tasks", "/notices?all=1", f"/audit?actor={asked}", "/audit",
        f"/outbox?system={asked}&state={asked}", f"/outbox/{asked}", "/people", "/tokens", "/quality",
        f"/log-in?next={asked}&told={asked}", f"/{asked}",
    ]  # fmt: skip


def test_page__shows_a_script_as_the_text_it_is(plant: MasteredPlant, root: Browser) -> None:
    shown = 0
    for path in _pages(plant.hub):
        answer = root.get(path)
        assert answer.status != HTTPStatus.INTERNAL_SERVER_ERROR, path
        assert not [mark for mark in MARKS if mark in answer.text], path
        shown += "&lt;script&gt;" in answer.text
    assert shown > 12


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "/%0d%0aSet-Cookie:x=1",
        "/x\r\ny",
    ],
)
def test_way_on__leads_to_no_other_site_and_splits_no_header(plant: MasteredPlant, wanted: str) -> None:
    asking = browser(plant.hub)
    asking.get("/log-in")
    answer = asking.post("/log-in", {"name": "root", "password": "a long way to the mill", "next": wanted})
    assert answer.location.startswith("/")
    assert not answer.location.startswith(("//", "/\\"))
    assert not set(answer.location) & set("\r\n\t")


@pytest.mark.parametrize(
    "path", ["/static/x/..%2f..%2fpyproject.toml", "/static/../../../etc/passwd", "/static/x/%2e%2e/site.py"]
)
def test_static__gives_only_what_pages_are_drawn_with(root: Browser, path: str) -> None:
    answer = root.get(path)
    assert answer.status == HTTPStatus.NOT_FOUND
    assert "root:" not in answer.text


def _request(chunks: list[bytes], seconds: float = 0.0, length: str = "") -> Request:
    waiting = iter(chunks)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": next(waiting), "more_body": True}

    given = [(b"content-length", length.encode())] if length else []
    return Request({"type": "http", "method": "POST", "path": "/", "headers": given}, receive)


def test_body__without_end_or_without_hurry_is_not_read() -> None:
    endless = _request([b"x" * 1000] * 12)  # an eleventh chunk is one too many, a thirteenth would be an error
    with pytest.raises(TooLong):
        asyncio.run(bounded(endless, 10_000))
    with pytest.raises(TooLong):
        asyncio.run(bounded(_request([b"x"] * 1000, 0.02), 10_000, 0.1))
    for length in ("10001", "-1", "1e9"):
        with pytest.raises(TooLong):
            asyncio.run(bounded(_request([], length=length), 10_000))


def test_log_in__tried_side_by_side_has_to_wait_all_the_same(
    plant: MasteredPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "failures", lambda *_: 0)  # nobody has noted the others' failures yet
    monkeypatch.setattr("console.web.passwords.is_right", lambda *_: False)
    asking = browser(plant.hub)
    asking.get("/log-in")
    answers = [asking.post("/log-in", {"name": "victim", "password": "x"}).status for _ in range(11)]
    assert answers == [HTTPStatus.FORBIDDEN] * 10 + [HTTPStatus.TOO_MANY_REQUESTS]


def test_link__that_meets_a_fault_stands_in_no_log(
    plant: MasteredPlant, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(access, "link", broken)
    with caplog.at_level(logging.DEBUG):
        answer = browser(plant.hub).get("/password/once-and-never-again")
    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "/password/{token}" in caplog.text
    assert "once-and-never-again" not in caplog.text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:80@evil.example", "evil@localhost"]
)
def test_host__that_is_another_or_carries_more_makes_no_address_of_ours(plant: MasteredPlant, host: str) -> None:
    asking = browser(plant.hub)
    asking.host = host
    answer = asking.get("/log-in")
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert "evil" not in answer.text


def test_decision__of_somebody_elses_role_is_refused_below_the_pages_too(plant: MasteredPlant) -> None:
    viewer = LI.__class__("person", "guest", Role.VIEWER)
    with pytest.raises(MillstreamError, match="less than"):
        stewardship.decide(plant.hub, viewer, stewardship.different("item", ref("erp:1"), ref("mes:1")))


ODD_DAYS = ("9999-12-31", "0001-01-01", "9999-12-31T23:59", "0001-01-01T00:00", "0001-01-01T00:00+23:59", "2026-02-30")
ODD_NUMBERS = ("9" * 30, "-1", "²", "٣", "1e9")


@pytest.mark.parametrize("odd", [*ODD_DAYS, *ODD_NUMBERS])
def test_days_and_numbers__that_no_calendar_and_no_database_holds_break_no_page(
    plant: MasteredPlant, root: Browser, odd: str
) -> None:
    asked = quote(odd)
    for path in (
        f"/audit?day={asked}&page={asked}", f"/records/item?id=DW-1&about={asked}&at={asked}", f"/queue?page={asked}",
        f"/quarantine?page={asked}", f"/queue/x?decided={asked}", f"/outbox?page={asked}",
    ):  # fmt: skip
        assert root.get(path).status < HTTPStatus.INTERNAL_SERVER_ERROR, path
    forms = {
        "/records/item/revoke": {"id": "DW-1", "number": odd}, f"/tasks/{asked}": {"verdict": "done"},
        "/tokens": {"name": "odd", "scope": "match", "days": odd},
        "/records/item/pin": {"id": "DW-1", "attribute": "name", "value": "x", "until": odd},
        "/records/item/relate": {"id": "DW-1", "kind": "replaces", "to": "DW-1", "from": odd, "until": odd},
        "/queue/assign": {"item": "x", "due": odd},
    }  # fmt: skip
    for path, form in forms.items():
        assert root.post(path, form).status < HTTPStatus.INTERNAL_SERVER_ERROR, path


@pytest.mark.parametrize("path", ["//evil.example/x", "///evil.example", "/\\evil.example/x", "//evil.example"])
def test_link__of_an_address_that_looks_like_another_site_stays_here(
    root: Browser, plant: MasteredPlant, path: str
) -> None:
    answer = root.ask_at(path)
    assert answer.status == HTTPStatus.NOT_FOUND
    assert not [mark for mark in ('href="//', 'href="/\\') if mark in answer.text]
    assert browser(plant.hub).ask_at(path).location.startswith(("/log-in?next=%2Fevil", "/log-in?next=%2F%255Cevil"))


def test_nul__is_refused_before_any_database_meets_it(root: Browser) -> None:
    assert root.get("/queue?text=%00").status == HTTPStatus.BAD_REQUEST
    assert root.get("/records?text=a%00b").status == HTTPStatus.BAD_REQUEST
    assert root.ask_at("/queue/a\x00b").status == HTTPStatus.BAD_REQUEST
    assert root.post("/people", {"name": "a\x00b"}).status == HTTPStatus.BAD_REQUEST


def test_form__of_another_kind_than_ours_is_refused(root: Browser) -> None:
    for kind in ("multipart/form-data; boundary=x", "text/plain", "application/json"):
        assert root.post("/people", {"name": "new"}, content_type=kind).status == HTTPStatus.BAD_REQUEST


def test_form__that_another_site_sent_stands_in_the_audit_trail(plant: MasteredPlant, root: Browser) -> None:
    assert root.post("/people", {"name": "new"}, origin="http://evil.example").status == HTTPStatus.FORBIDDEN
    with plant.hub.store.read() as tx:
        newest = audit.listed(tx, "route/people.add")[0]
    assert (newest.actor, newest.action, newest.detail["why"]) == ("person:root", "denied", "foreign form")


def test_values__that_are_endless_are_marked_as_a_whole() -> None:
    begun = process_time()
    (one, other) = marked(["a1" * 20_000, "b2" * 20_000])
    assert process_time() - begun < 1.0
    assert (len(one), one[0].differs, other[0].text) == (1, True, "b2" * 20_000)


def test_assignment__goes_to_nobody_who_may_not_settle_it(plant: MasteredPlant, root: Browser) -> None:
    person(plant.hub, "looker.on", Role.VIEWER)
    item = stewardship.queue(plant.hub).items[0].item
    for who in ("looker.on", "nobody.at.all", EVIL):
        answer = root.post("/queue/assign", {"item": item, "assignee": who})
        assert answer.status == HTTPStatus.CONFLICT
        assert not [mark for mark in MARKS if mark in answer.text]
    waiting = stewardship.queue_item(plant.hub, item)
    assert waiting is not None
    assert waiting.assignee is None
    assert root.post("/queue/assign", {"item": item, "assignee": "root"}).status == HTTPStatus.SEE_OTHER
    unknown = root.post("/queue/assign", {"item": "no such item", "assignee": "root"})
    assert unknown.location.endswith("told=done.queue_unchosen")
    assert root.post("/queue/preview", {"act": "same"}).location.endswith("told=done.queue_unchosen")
    with plant.hub.store.read() as tx:
        assert audit.listed(tx, "queue/no such item") == []


def test_moment__at_the_end_of_time_is_shown(plant: MasteredPlant) -> None:
    site = Site(plant.hub)
    assert site.moment(datetime(9999, 12, 31, 23, 59, tzinfo=UTC)) == "9999-12-31 23:59 UTC"
