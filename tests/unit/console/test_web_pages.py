"""The reference of the pages says what the table says; every word on a page is written in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import get_args
from urllib.parse import quote

import pytest

from canonical.actors import Role, Scope
from canonical.base import Entity
from canonical.commands import Command, State
from canonical.entities import ENTITIES
from canonical.errors import MillstreamError
from canonical.facts import FACTS
from canonical.stewardship import Kind
from console.web.charts import line
from console.web.routes import ROUTES, Door
from console.web.site import TEMPLATES
from console.words.act_words import ACTS
from console.words.page_words import PAGES
from console.words.phrases import PHRASES
from console.words.terms import TERMS
from console.words.words import Words
from pipeline.hub import open_hub
from store import circuits, documents, golden, notices, outbox, quarantine, tasks
from store.circuits import CircuitRow
from store.notices import Notice
from store.quarantine import Rejection
from store.tasks import Task, TaskState
from store.unit_of_work import Store
from tests.unit.console.asking import browser, person

ROOT = Path(__file__).parents[3]
SAID: dict[object, str] = {Door.ANYBODY: "anybody", Door.LOGGED_IN: "whoever is logged in"}


def _said(needs: Role | Door | Scope) -> str:
    return f"token: {needs.value}" if isinstance(needs, Scope) else SAID.get(needs, needs.value)


def test_reference__lists_every_route_with_its_role() -> None:
    text = (ROOT / "docs" / "reference" / "pages.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (GET|POST) \| `([^`]+)` \| ([a-z ]+|token: [a-z]+) \|$", text, re.MULTILINE)
    assert listed == [(one.method, one.path, _said(one.needs)) for one in ROUTES]


def test_words__of_the_pages_are_overridden_by_no_other_catalogue() -> None:
    assert {key for key, words in PAGES.items() if PHRASES[key] != words} == set()


def test_templates__say_only_what_the_catalogue_knows() -> None:
    said = {
        key
        for path in TEMPLATES.rglob("*.html")
        for key in re.findall(r"say\('([a-z_.]+)'[,)]", path.read_text(encoding="utf-8"))
    }
    assert len(said) > 100
    assert said - set(PHRASES) == set()


def test_templates__hold_no_script_style_or_address_of_their_own() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<style|style=|\son[a-z]+=|javascript:|https?://(?!www\.w3\.org)", text), path.name
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", text), path.name


def test_line__shares_end_at_all_and_begin_below_the_least() -> None:
    drawn = line([("a", 0.97), ("b", 1.0)], percent=True)
    assert [row.label for row in drawn.rows] == ["95 %", "97.5 %", "100 %"]
    assert drawn.dots[1].y < drawn.dots[0].y
    assert [tick.label for tick in drawn.columns] == ["a", "b"]


def test_line__of_one_value_and_of_none() -> None:
    assert len(line([("a", 3.0)]).dots) == 1
    assert line([]).path == ""


def test_orders__a_life_is_found_by_number_and_a_wrong_one_says_what_is_near(
    told: Store, environ: dict[str, str]
) -> None:
    hub = open_hub(environ)
    person(hub, "operator", Role.VIEWER)
    asking = browser(hub)
    asking.log_in("operator")
    life = asking.get("/orders?number=SO-26-00001")
    assert (life.status, "M-1" in life.text, "it looks wrong" in life.text) == (HTTPStatus.OK, True, True)
    wrong = asking.get("/orders?number=SO-26-0001")
    assert wrong.status == HTTPStatus.NOT_FOUND
    assert "/orders?number=SO-26-00001" in wrong.text
    hub.close()


def test_stuck__says_what_since_when_and_what_to_do(told: Store, environ: dict[str, str]) -> None:
    hub = open_hub(environ)
    person(hub, "operator", Role.VIEWER)
    asking = browser(hub)
    asking.log_in("operator")
    text = asking.get("/stuck").text
    assert "it looks wrong" in text
    assert "millstream probe wms" in text
    assert "look in the target and say how it ended" in text
    hub.close()


def test_notices__all_that_were_shown_are_taken_note_of_and_none_that_came_since(
    told: Store, environ: dict[str, str]
) -> None:
    hub = open_hub(environ)
    person(hub, "li.wei", Role.STEWARD)
    asking = browser(hub)
    asking.log_in("li.wei")
    text = {"en": "short", "zh": "缺料"}
    with hub.store.begin() as tx:
        notices.add(tx, [Notice("planner", f"k{n}", text, "rule:u", "e") for n in range(120)], hub.now())
        notices.add(tx, [Notice("sales", "k", text, "rule:u", "e")], hub.now())
        shown = max(one.number or 0 for one in notices.listed(tx, "planner"))
    assert "all 120 that fit the filter" in asking.get("/notices?audience=planner").text
    with hub.store.begin() as tx:
        notices.add(tx, [Notice("planner", "late", text, "rule:u", "e")], hub.now())
    asking.post("/notices", {"all": "1", "audience": "planner", "newest": shown})
    with hub.store.read() as tx:
        left = {(one.audience, one.key) for one in notices.listed(tx, unread=True) if one.actor == "rule:u"}
    assert left >= {("planner", "late"), ("sales", "k")}
    assert not {one for one in left if one[1].startswith("k") and one[0] == "planner"}
    hub.close()


def test_long_lists__are_read_a_page_at_a_time(
    told: Store, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = open_hub(environ)
    person(hub, "operator", Role.VIEWER)
    broken = [Rejection(f"K{n:03d}", "name_given", "name must have a value", "name") for n in range(120)]
    title = {"en": "Review", "zh": "评审"}
    with hub.store.begin() as tx:
        notices.add(
            tx, [Notice("planner", f"k{n}", {"en": f"n{n:03d}", "zh": "缺"}, "r", "e") for n in range(120)], hub.now()
        )
        tasks.open_all(tx, [Task("r", "planner", f"T{n:03d}", title, "r", "e") for n in range(120)], hub.now())
        quarantine.replace(tx, "conform", "wms", "bom", broken, now=hub.now())
    read: list[int] = []
    for store_of, name in ((notices, "notice_of"), (tasks, "_task"), (quarantine, "_row")):
        whole = getattr(store_of, name)
        monkeypatch.setattr(store_of, name, lambda row, whole=whole: (read.append(1), whole(row))[1])
    asking = browser(hub)
    asking.log_in("operator")
    for place, last, shown in (
        ("/notices?audience=planner", "n000", 20), ("/tasks?owner=planner", "T119", 20),
        ("/quarantine?entity=bom&system=wms", "K119", 20),
    ):  # fmt: skip
        assert last not in asking.get(place).text
        read.clear()
        assert last in asking.get(f"{place}&page=3").text
        assert sum(read) == shown, "no more is read than is shown"
    hub.close()


def test_notices__a_number_that_is_none_is_passed_over(told: Store, environ: dict[str, str]) -> None:
    hub = open_hub(environ)
    person(hub, "li.wei", Role.STEWARD)
    asking = browser(hub)
    asking.log_in("li.wei")
    for number in ("9" * 30, "²", "-1", "x"):
        assert asking.post("/notices", {"notice": number}).location.endswith("told=done.nothing")
        assert asking.post("/notices", {"all": "1", "newest": number}).location.endswith("told=done.nothing")
    hub.close()


@pytest.mark.parametrize(
    ("path", "fits", "empty"),
    [
        ("/quarantine?system=mes", "没有符合筛选条件的内容。", "隔离区为空。"),
        ("/tasks?state=refused", "没有符合筛选条件的内容。", "没有未结任务。"),
        ("/notices?audience=nobody", "没有符合筛选条件的内容。", "没有未读通知。"),
    ],
)
def test_filters__that_nothing_fits_do_not_say_that_there_is_nothing(
    told: Store, environ: dict[str, str], path: str, fits: str, empty: str
) -> None:
    hub = open_hub(environ)
    person(hub, "operator", Role.VIEWER)
    asking = browser(hub)
    asking.log_in("operator")
    text = asking.get(f"{path}&lang=zh").text
    assert fits in text
    assert empty not in text
    hub.close()


def test_order__a_line_in_quarantine_is_told_in_words_and_leads_there(told: Store, environ: dict[str, str]) -> None:
    hub = open_hub(environ)
    person(hub, "operator", Role.VIEWER)
    broken = Rejection("SO-26-00001|1", "quantity_positive", "quantity must be above zero", "quantity", {"a": 1})
    with hub.store.begin() as tx:
        quarantine.replace(tx, "conform", "crm", "sales_order_line", [broken], now=hub.now())
    asking = browser(hub)
    asking.log_in("operator")
    text = asking.get("/orders?number=SO-26-00001&lang=zh").text
    assert "数量须大于零" in text
    assert "quantity_positive" not in text
    assert "/quarantine/record?stage=conform&amp;system=crm&amp;entity=sales_order_line&amp;key=SO-26-00001%7C1" in text
    hub.close()


def test_terms__a_task_has_a_chinese_word_for_each_state() -> None:
    assert [one for one in get_args(TaskState) if one not in TERMS] == []


def test_tasks__lead_to_the_order_they_are_about(told: Store, environ: dict[str, str]) -> None:
    hub = open_hub(environ)
    person(hub, "operator", Role.VIEWER)
    title = {"en": "Review it", "zh": "评审"}
    with hub.store.begin() as tx:
        known = next(iter(golden.ids_in_force(tx, "sales_order")))
        tasks.open_all(tx, [Task("r", "production", key, title, "rule:r", "e") for key in (known, "else")], hub.now())
    asking = browser(hub)
    asking.log_in("operator")
    text = asking.get("/tasks").text
    assert f'href="/orders?number={quote(known)}"' in text
    assert "/orders?number=else" not in text
    hub.close()


def test_terms__every_rule_of_the_shipped_rulebooks_has_a_chinese_name() -> None:
    books = (ROOT / "quality" / "rulebooks").glob("*.yaml")
    rules = {name for book in books for name in re.findall(r"name: ([a-z_]+)", book.read_text(encoding="utf-8"))}
    assert len(rules) > 50
    assert {rule for rule in rules if rule not in TERMS} == set()


@pytest.mark.parametrize("known", [ENTITIES, FACTS], ids=["entities", "facts"])
def test_terms__every_entity_fact_and_field_has_a_chinese_name(known: Mapping[str, type[Entity]]) -> None:
    words = Words("zh")
    assert [name for name in known if words.shown(name).isascii()] == []
    fields = {name for one in known.values() for name in one.model_fields}
    assert {name for name in fields if words.shown(name, "attribute").isascii()} == set()
    assert {name for name in fields if words.shown(name, "field").isascii()} == set()


ROOMS = ("store", "pipeline", "console")


def _acts() -> set[str]:
    """Every act whose name is written where it goes into the audit trail; what is put together ends with `_` or `.`."""
    found = set[str]()
    for file in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in {"audit.append", "_audit"}:
                found |= {
                    str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant) and _is_act(one.value)
                }
    return found


def _is_act(value: object) -> bool:
    """Not the object (`command/…`), not the actor (`person:…`)."""
    return isinstance(value, str) and len(value) > 5 and "/" not in value and ":" not in value


def test_acts__every_one_of_the_audit_trail_is_said_in_both_languages() -> None:
    acts = _acts()
    assert len(acts) > 20
    known = {key.removeprefix("audited.") for key in ACTS}
    assert {act for act in acts if not any(one == act or one.startswith(act) for one in known)} - DETAILS == set()
    assert {one for one in get_args(Kind) if f"mdm.{one}" not in known} == set()


DETAILS = {"address", "commands", "sessions", "assignee", "display_name"}
"""Names of what is told about an act."""


def test_terms__every_team_the_shipped_rules_name_is_called_something_in_chinese() -> None:
    books = (ROOT / "rules" / "rulebooks").glob("*.yaml")
    named = {
        team for book in books for team in re.findall(r"(?:notify|owner): ([a-z_]+)", book.read_text(encoding="utf-8"))
    }
    assert len(named) > 5
    assert {team for team in named if team not in TERMS} == set()


@pytest.mark.parametrize(
    ("standing", "status"),
    [
        (1, HTTPStatus.SEE_OTHER), (0, HTTPStatus.CONFLICT), (2, HTTPStatus.CONFLICT), (None, HTTPStatus.SEE_OTHER),
    ],
)  # fmt: skip
def test_resolve__asks_the_target_what_was_made(
    told: Store, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, standing: int | None, status: int
) -> None:
    def look_up(_: str, keys: list[str]) -> dict[str, list[SimpleNamespace]]:
        if standing is None:
            raise MillstreamError("it is down")
        return {key: [SimpleNamespace(native_id="100417")] * standing for key in keys}

    hub = open_hub(environ)
    monkeypatch.setattr(type(hub), "connector", lambda *_: SimpleNamespace(look_up=look_up))
    person(hub, "wang.fang", Role.APPROVER)
    asking = browser(hub)
    asking.log_in("wang.fang")
    with hub.store.read() as tx:
        parked = next(one for one in outbox.entries(tx) if one.state is State.PARKED)
    place = f"/outbox/{parked.command.id}"
    answer = asking.post(f"{place}/resolve", {"as": "applied", "note": "it stands there"})
    assert answer.status == status
    assert answer.location.endswith("unasked") is (standing is None)
    with hub.store.read() as tx:
        entry = outbox.entry(tx, parked.command.id)
        assert entry is not None
        assert entry.state is (State.APPLIED if status == HTTPStatus.SEE_OTHER else State.PARKED)
        assert [one.native_id for one in documents.listed(tx, "erp")] == ["100417"] * (standing == 1)
    hub.close()


def test_outbox__shows_each_command_on_one_of_its_pages(told: Store, environ: dict[str, str]) -> None:
    hub = open_hub(environ)
    many = [
        Command(kind="order_work", system="mes", entity="work_order", business_key=f"K-{n:03}", revision=1, body={},
                actor="rule:r", cause="e")
        for n in range(120)
    ]  # fmt: skip
    with hub.store.begin() as tx:
        for number, one in enumerate(many):
            outbox.enqueue(tx, [one], hub.now() + timedelta(seconds=number))
    person(hub, "operator", Role.VIEWER)
    asking = browser(hub)
    asking.log_in("operator")
    pages = [asking.get(f"/outbox?state=pending&system=mes&page={number}").text for number in (1, 2, 3, 9)]
    keys = [re.findall(r"K-\d{3}(?=</a>)", text) for text in pages]
    assert [len(one) for one in keys[:2]] == [50, 50]
    assert len({*keys[0], *keys[1], *keys[2]}) == sum(map(len, keys[:3]))
    assert keys[3] == keys[2]
    assert keys[0][0] < keys[1][0] < keys[2][-1]
    hub.close()


def test_stuck__says_once_which_systems_are_left_alone(told: Store, environ: dict[str, str]) -> None:
    hub = open_hub(environ)
    person(hub, "operator", Role.VIEWER)
    with hub.store.begin() as tx:
        circuits.note(tx, CircuitRow("mes", "open", hub.now(), hub.now(), "it hangs"))
    asking = browser(hub)
    asking.log_in("operator")
    text = asking.get("/stuck").text
    assert text.count("it hangs") == 1
    assert text.count("millstream probe mes") == 1
    hub.close()
