"""The match doors: opened by a token alone, they answer what they are asked and refuse what they cannot read."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from canonical.actors import Role, Scope
from console.web.allowance import Allowance
from pipeline.hub import Hub
from store import audit, tokens
from tests.unit.console.asking import Answer, Browser, browser, person
from tests.unit.pipeline.mastered import MasteredPlant, mastered_plant


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MasteredPlant]:
    made = mastered_plant(tmp_path_factory.mktemp("plant"))
    made.put("item", "erp:1", name="内六角螺钉 M8*20 8.8级", drawing_number="DW-1", unit="pcs", lead_time_days=3)
    made.put("item", "mes:2", name="内六角螺钉M8*20", drawing_number="DW-1")
    made.put("item", "erp:3", name="平垫圈 8 镀锌", drawing_number="DW-3")
    made.master()
    person(made.hub, "root", Role.ADMIN)
    yield made
    made.hub.close()


def _token(hub: Hub, name: str, scope: Scope) -> str:
    with hub.store.begin() as tx:
        return tokens.make(tx, name, scope, "test", hub.now(), days=1)


@pytest.fixture(scope="module")
def asking(plant: MasteredPlant) -> Browser:
    return browser(plant.hub)


@pytest.fixture(scope="module")
def bearer(plant: MasteredPlant) -> str:
    return f"Bearer {_token(plant.hub, 'erp', Scope.MATCH)}"


@pytest.fixture(scope="module")
def service(plant: MasteredPlant) -> str:
    return f"/reconcile/{_token(plant.hub, 'refine', Scope.RECONCILE)}/item"


def _match(asking: Browser, bearer: str, body: Any, entity: str = "item") -> Answer:
    sent = body if isinstance(body, str) else json.dumps(body)
    return asking.ask("POST", f"/api/match/{entity}", sent.encode(), {"authorization": bearer})


def test_match__each_golden_record_once_with_its_parts(asking: Browser, bearer: str) -> None:
    answer = _match(asking, bearer, {"attributes": {"name": "M8×2cm 内六角螺丝 8.8"}, "limit": 3})
    best, *rest = json.loads(answer.text)["matches"]
    assert (best["golden_id"], best["record"]) == ("DW-1", "erp:1")
    assert best["posterior"] > 0.9
    assert best["parts"][0]["feature"] == "start"
    assert all(one["golden_id"] != "DW-1" for one in rest)
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert asking.set_cookies == []


@pytest.mark.parametrize(
    ("entity", "body", "status"),
    [
        ("bolt", "{}", 404),
        ("item", "{", 400),
        ("item", "[]", 400),
        ("item", '{"attributes": {"colour": "red"}}', 400),
        ("item", '{"attributes": {"name": 7}}', 400),
        ("item", json.dumps({"attributes": {"name": "x" * 2001}}), 400),
        ("item", '{"attributes": {"name": "x"}, "limit": 5000}', 400),
        ("item", '{"attributes": {"name": "x"}, "limit": true}', 400),
        ("item", "x" * 1_000_001, 413),
    ],
)
def test_match__what_cannot_be_read_is_refused(
    asking: Browser, bearer: str, entity: str, body: str, status: int
) -> None:
    answer = _match(asking, bearer, body, entity)
    assert answer.status == status
    assert json.loads(answer.text)["error"]


def test_match__nothing_said_matches_nothing(asking: Browser, bearer: str) -> None:
    assert json.loads(_match(asking, bearer, {"attributes": {"name": ""}}).text) == {"matches": []}


# -- who may -------------------------------------------------------------------------------------------------------


def test_match__no_log_in_opens_it(plant: MasteredPlant) -> None:
    admin = browser(plant.hub)
    assert admin.log_in("root").status == HTTPStatus.SEE_OTHER
    answer = admin.post("/api/match/item", {})
    assert (answer.status, answer.headers["www-authenticate"]) == (HTTPStatus.UNAUTHORIZED, "Bearer")


def test_token__of_another_scope_or_none_is_refused_and_audited(
    plant: MasteredPlant, asking: Browser, bearer: str, service: str
) -> None:
    of_service = service.split("/")[2]
    assert _match(asking, f"Bearer {of_service}", {}).status == HTTPStatus.UNAUTHORIZED
    assert asking.get(f"/reconcile/{bearer.split()[1]}/item").status == HTTPStatus.UNAUTHORIZED
    assert _match(asking, "Bearer ms_guessed", {}).status == HTTPStatus.UNAUTHORIZED
    assert _match(asking, "Basic cm9vdDpyb290", {}).status == HTTPStatus.UNAUTHORIZED
    with plant.hub.store.read() as tx:
        denied = [act.actor for act in audit.listed(tx, "route/match")]
        assert [act.actor for act in audit.listed(tx, "route/reconcile")] == ["token:erp"]
    assert sorted(denied) == ["token:refine", "token:unknown"]


def test_token__opens_no_page(plant: MasteredPlant, asking: Browser, bearer: str) -> None:
    assert asking.get("/queue", authorization=bearer).location.startswith("/log-in")


def test_token__revoked_or_run_out_opens_nothing(tmp_path: Path) -> None:
    plant = mastered_plant(tmp_path)
    ask = browser(plant.hub)
    one, other = (f"Bearer {_token(plant.hub, name, Scope.MATCH)}" for name in ("one", "other"))
    body = {"attributes": {"name": ""}}
    assert _match(ask, one, body).status == _match(ask, other, body).status == HTTPStatus.OK
    with plant.hub.store.begin() as tx:
        assert tokens.revoke(tx, "one", "test", plant.hub.now())
    assert _match(ask, one, body).status == HTTPStatus.UNAUTHORIZED
    plant.later(days=1)
    assert _match(ask, other, body).status == HTTPStatus.UNAUTHORIZED
    plant.hub.close()


def test_token__its_use_is_written_down_but_not_each_time(tmp_path: Path) -> None:
    plant = mastered_plant(tmp_path)
    ask, bearer = browser(plant.hub), f"Bearer {_token(plant.hub, 'erp', Scope.MATCH)}"
    for minutes in (0, 1, 1, 1, 3):
        plant.later(minutes=minutes)
        assert _match(ask, bearer, {"attributes": {"name": ""}}).status == HTTPStatus.OK
    with plant.hub.store.read() as tx:
        (found,) = tokens.listed(tx)
        used = [act.detail for act in audit.listed(tx, "token/erp") if act.action == "token used"]
    assert (found.uses, found.used_at) == (5, plant.moment)
    assert used == [{"requests": 4, "address": "10.0.0.7"}, {"requests": 1, "address": "10.0.0.7"}]
    plant.hub.close()


def test_token__that_asks_too_often_has_to_wait(tmp_path: Path) -> None:
    plant = mastered_plant(tmp_path)
    access = plant.hub.deployment.access.model_copy(update={"token_requests_per_minute": 3})
    plant.hub.configuration.__dict__["deployment"] = plant.hub.deployment.model_copy(update={"access": access})
    ask, bearer = browser(plant.hub), f"Bearer {_token(plant.hub, 'erp', Scope.MATCH)}"
    answers = [_match(ask, bearer, {"attributes": {"name": ""}}) for _ in range(4)]
    assert [one.status for one in answers] == [200, 200, 200, HTTPStatus.TOO_MANY_REQUESTS]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61
    plant.hub.close()


def test_allowance__a_minute_later_it_may_again() -> None:
    clock = [0.0]
    allowance = Allowance(2, lambda: clock[0])
    assert [allowance.wait("a"), allowance.wait("a"), allowance.wait("a"), allowance.wait("b")] == [0, 0, 61, 0]
    clock[0] = 59.0
    assert allowance.wait("a") == 2
    clock[0] = 60.0
    assert allowance.wait("a") == 0


def test_token__stands_in_no_log(
    plant: MasteredPlant,
    asking: Browser,
    service: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("console.web.reconciling.find_records", broken)
    with caplog.at_level(logging.DEBUG):
        assert asking.get(f"{service}/suggest/entity?prefix=x").status == HTTPStatus.INTERNAL_SERVER_ERROR
    token = service.split("/")[2]
    assert "/reconcile/{token}/{entity}/suggest/{what}" in caplog.text
    assert token not in caplog.text
    with plant.hub.store.read() as tx:
        assert all(token not in str(act) for act in audit.listed(tx, limit=1000))


# -- the reconciliation service ------------------------------------------------------------------------------------


def test_reconcile__manifest_leads_to_services_that_answer(asking: Browser, service: str) -> None:
    answer = asking.get(service)
    manifest = json.loads(answer.text)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert manifest["versions"] == ["0.2"]
    assert manifest["defaultTypes"] == [{"id": "item", "name": "item"}]
    assert manifest["view"]["url"] == "http://127.0.0.1/records/item?id={{id}}"
    assert service.split("/")[2] not in manifest["identifierSpace"] + manifest["schemaSpace"]
    for one in manifest["suggest"].values():
        assert one["service_url"] == "http://127.0.0.1"
        assert asking.get(f"{one['service_path']}?prefix=").status == HTTPStatus.OK
    assert asking.get(manifest["extend"]["propose_properties"]["service_path"]).status == HTTPStatus.OK
    preview = asking.get(urlsplit(manifest["preview"]["url"].replace("{{id}}", "DW-1")).path + "?id=DW-1")
    assert "M8*20" in preview.text
    assert "frame-ancestors *" in preview.headers["content-security-policy"]
    assert preview.headers["referrer-policy"] == "no-referrer"


def _asked(asking: Browser, service: str, name: str, value: Any, method: str = "POST") -> Answer:
    sent = urlencode({name: value if isinstance(value, str) else json.dumps(value)})
    return asking.get(f"{service}?{sent}") if method == "GET" else asking.ask("POST", service, sent.encode())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reconcile__batch_of_queries(asking: Browser, service: str, method: str) -> None:
    queries = {
        "q0": {"query": "M8×2cm 内六角螺丝 8.8", "limit": 2, "properties": [{"pid": "unit", "v": ["pcs", "kg"]}]},
        "q1": {"query": "qqq"},
        "q2": {"query": "DW-3"},
        "q3": {"query": "M8×2cm 内六角螺丝 8.8", "type": "partner"},
        "q4": {"properties": [{"pid": "drawing_number", "v": {"id": "x", "name": "DW-1"}}]},
    }
    answer = json.loads(_asked(asking, service, "queries", queries, method).text)
    assert answer["q1"] == answer["q3"] == {"result": []}
    (best, *_) = answer["q0"]["result"]
    assert best["id"] == "DW-1"
    assert 90 < best["score"] <= 100
    assert best["type"] == [{"id": "item", "name": "item"}]
    assert "unit:same" in {feature["id"] for feature in best["features"]}
    assert next((one["id"], one["match"]) for one in answer["q2"]["result"]) == ("DW-3", True)
    assert answer["q4"]["result"][0]["id"] == "DW-1"


def test_reconcile__extends_columns(asking: Browser, service: str) -> None:
    asked = {
        "ids": ["DW-1", "nowhere"],
        "properties": [{"id": "name"}, {"id": "lead_time_days", "settings": {}}, {"id": "colour"}],
    }
    answer = json.loads(_asked(asking, service, "extend", asked).text)
    assert [one["id"] for one in answer["meta"]] == ["name", "lead_time_days"]
    assert answer["rows"] == {
        "DW-1": {"name": [{"str": "内六角螺钉 M8*20 8.8级"}], "lead_time_days": [{"int": 3}]},
        "nowhere": {"name": [], "lead_time_days": []},
    }


def test_reconcile__suggests_by_pinyin(asking: Browser, service: str) -> None:
    found = json.loads(asking.get(f"{service}/suggest/entity?prefix=dianquan").text)["result"]
    assert [one["id"] for one in found] == ["DW-3"]
    assert {"id": "drawing_number", "name": "drawing_number"} in json.loads(
        asking.get(f"{service}/suggest/property?prefix=drawing").text
    )["result"]
    assert asking.get(f"{service}/suggest/nothing?prefix=x").status == HTTPStatus.NOT_FOUND


def test_reconcile__preview_escapes_and_knows_nothing_else(asking: Browser, service: str) -> None:
    answer = asking.get(f"{service}/preview?id={quote('<script>')}")
    assert (answer.status, answer.headers["content-type"]) == (HTTPStatus.NOT_FOUND, "application/json")


def test_reconcile__refuses(asking: Browser, service: str) -> None:
    many = {f"q{k}": {"query": "x"} for k in range(51)}
    long = json.dumps({"q0": {"query": "x" * 2001}})
    for text in ("[", "[]", long, json.dumps(many), '{"q0": 5}', '{"q0": {"query": "x", "limit": 0}}'):
        assert _asked(asking, service, "queries", text).status == HTTPStatus.BAD_REQUEST
    for text in ("[]", "{}", '{"ids": [5], "properties": []}', '{"ids": ["a"], "properties": ["name"]}'):
        assert _asked(asking, service, "extend", text).status == HTTPStatus.BAD_REQUEST
    assert asking.ask("POST", service, b"x" * 1_000_001).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert asking.get(service.replace("/item", "/bolt")).status == HTTPStatus.NOT_FOUND
