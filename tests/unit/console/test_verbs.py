from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from canonical.commands import Command, State
from console.cli import passes
from console.cli.check import notes
from console.cli.state import account
from console.cli.terminal import Terminal
from console.words.words import Words
from mappings.spec import OutboundNode
from pipeline.hub import load_configuration
from pipeline.settings import DEPLOYMENTS, Settings
from store import audit, circuits, conflicts, documents, doubles, outbox, runs, tasks, timers
from store.circuits import CircuitRow
from store.conflicts import Conflict
from store.documents import Document
from store.runs import StageCounts
from store.tasks import Task
from store.timers import Timer
from store.unit_of_work import Store
from tests.unit.connectors.loopback import Answer, serving

Call = Any
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[3]
DEPLOYMENT = """\
name: plant
# an inch of comment
timezone: Asia/Shanghai
systems:
  crm: {role: crm}
  erp: {role: erp}
  mes: {role: mes}
  wms: {role: wms}
sales_order_system: crm
rulebooks: [fulfilment]
"""


def state_of(store: Store, key: str) -> State:
    with store.read() as tx:
        return next(entry.state for entry in outbox.entries(tx, business_key=key))


def id_of(store: Store, key: str) -> str:
    with store.read() as tx:
        return next(entry.command.id for entry in outbox.entries(tx, business_key=key))


# -- outbox --------------------------------------------------------------------------------------------------------


def test_outbox_list__filters(call: Call, told: Store) -> None:
    assert [row["business_key"] for row in call("outbox", "list", "--json").json] == ["M-1", "M-2", "M-3"]
    parked = call("outbox", "list", "--json", "--state", "parked").json
    assert [(row["business_key"], row["reason"]) for row in parked] == [("M-2", "it looks wrong")]
    assert len(call("outbox", "list", "--json", "--order", "SO-26-00001").json) == 3
    assert call("outbox", "list", "--json", "--system", "mes").json == []
    assert "1 held, 1 parked, 1 pending" in call("outbox", "list").out


def test_outbox_show__by_the_first_characters(call: Call, told: Store) -> None:
    ended = call("outbox", "show", id_of(told, "M-2")[:12], "--json")
    assert ended.json["body"] == {"quantity": "12.5"}
    assert [act["action"] for act in ended.json["audit"]] == ["command parked"]
    assert "person:li.wei" in call("outbox", "show", id_of(told, "M-2")).out
    assert call("outbox", "show", "zzz").code == 2


def test_outbox_retry__is_audited_with_its_actor(call: Call, told: Store) -> None:
    ended = call("outbox", "retry", id_of(told, "M-2"), "--json")
    assert (ended.code, ended.json["was"], ended.json["state"]) == (0, "parked", "pending")
    with told.read() as tx:
        act = audit.listed(tx, f"command/{id_of(told, 'M-2')}")[0]
    assert (act.actor, act.action) == (f"person:{account()}", "command retried")


def test_outbox_retry__of_a_pending_command_does_nothing(call: Call, told: Store) -> None:
    assert call("outbox", "retry", id_of(told, "M-1")).code == 1
    assert state_of(told, "M-1") is State.PENDING


def test_outbox_park_and_resolve(call: Call, told: Store) -> None:
    command = id_of(told, "M-1")
    assert call("outbox", "park", command, "--reason", "wait").code == 0
    assert state_of(told, "M-1") is State.PARKED
    resolved = call("outbox", "resolve", command, "--as", "applied", "--note", "seen in the ERP")
    assert (resolved.code, "The target was not asked what was made" in resolved.err) == (0, True)
    assert state_of(told, "M-1") is State.APPLIED


@pytest.mark.parametrize(("standing", "code"), [(1, 0), (0, 1), (2, 1)])
def test_outbox_resolve__asks_the_target_what_was_made(
    call: Call, told: Store, monkeypatch: pytest.MonkeyPatch, standing: int, code: int
) -> None:
    document = SimpleNamespace(native_id="100417")
    connector = SimpleNamespace(look_up=lambda _, keys: {key: [document] * standing for key in keys})
    hub = SimpleNamespace(connector=lambda _: connector, close=lambda: None)
    monkeypatch.setattr("pipeline.hub.open_hub", lambda _: hub)
    assert call("outbox", "resolve", id_of(told, "M-2"), "--as", "applied", "--note", "seen").code == code
    assert state_of(told, "M-2") is (State.PARKED if code else State.APPLIED)
    with told.read() as tx:
        assert [one.native_id for one in documents.listed(tx, "erp")] == ["100417"] * (standing == 1)


def test_outbox_resolve__with_the_targets_own_id_remembers_the_document(call: Call, told: Store) -> None:
    command = id_of(told, "M-2")
    assert call("outbox", "resolve", command, "--as", "rejected", "--note", "n", "--native-id", "9").code == 2
    assert state_of(told, "M-2") is State.PARKED
    resolved = call("outbox", "resolve", command, "--as", "applied", "--note", "seen", "--native-id", "100417")
    assert resolved.code == 0
    with told.read() as tx:
        (made,) = documents.listed(tx, "erp")
    assert (made.business_key, made.native_id, made.revision) == ("M-2", "100417", 1)
    taken = call("outbox", "resolve", id_of(told, "M-1"), "--as", "applied", "--note", "n", "--native-id", "100417")
    assert (taken.code, "is that of M-2" in taken.err) == (1, True)
    assert state_of(told, "M-1") is State.PENDING


def test_status__a_refused_command_is_a_finding_and_says_what_to_do(call: Call, told: Store) -> None:
    command = id_of(told, "M-2")
    call("outbox", "resolve", command, "--as", "rejected", "--note", "NOT_CHANGEABLE The shipment is SHIPPED")
    assert call("status").code == 1
    assert "--as superseded" in call("outbox", "show", command).out
    assert "NOT_CHANGEABLE" in call("trace", "SO-26-00001").out


def test_trace__says_why_a_command_is_held_and_what_a_document_is(call: Call, told: Store) -> None:
    task = Command(
        kind="raise_task", system="mes", entity="work_order", business_key="T-1", revision=1, body={}, actor="rule:x",
        cause="e", sales_orders=("SO-26-00001",),
    )  # fmt: skip
    with told.begin() as tx:
        outbox.enqueue(tx, [task], NOW)
        documents.record(tx, [Document("mes", "work_order", "T-1", "t1", "T1", 1, {}, "created", NOW)])
    ended = call("trace", "SO-26-00001", "--json").json
    assert {row["reference"]: row["reason"] for row in ended["commands"]}["M-3"] == "connection"
    assert {row["reference"]: row["document"] for row in ended["documents"]}["T-1"] == "task"
    assert "连接处于" in call("trace", "SO-26-00001", "--lang", "zh").out


def test_conflicts__two_records_of_one_system_say_what_holds(call: Call, told: Store) -> None:
    twice = {"kind": "duplicate_in_source", "said": ["wms:A", "wms:A/2"]}
    with told.begin() as tx:
        conflicts.replace(tx, "item", [Conflict("item", "DW-2", "source_key", twice, None)], NOW)
    assert "both count as this one" in call("conflicts", "list").out
    assert "同一系统重复登记" in call("conflicts", "list", "--lang", "zh").out


def test_outbox_approve__takes_only_what_waits_for_approval(call: Call, told: Store) -> None:
    ended = call("outbox", "approve", id_of(told, "M-3"), "--json")
    assert (ended.code, ended.json) == (1, {"approved": []})


# -- connections ---------------------------------------------------------------------------------------------------


def test_connections_set__live_releases_what_was_held(call: Call, told: Store) -> None:
    ended = call("connections", "set", "erp", "live", "--json")
    assert ended.json == {"system": "erp", "state": "live", "changed": True, "released": 1}
    assert state_of(told, "M-3") is State.PENDING


def test_connections_list__shows_every_system_of_the_deployment(call: Call, told: Store) -> None:
    rows = {row["system"]: (row["state"], row["held"]) for row in call("connections", "list", "--json").json}
    assert rows["erp"] == ("shadow", 1)
    assert set(rows) == {"crm", "erp", "mes", "wms"}


def test_connections_set__an_unknown_system_is_2(call: Call) -> None:
    ended = call("connections", "set", "epr", "live")
    assert ended.code == 2
    assert "'erp'" in ended.err


# -- what waits for people -----------------------------------------------------------------------------------------


def test_quarantine(call: Call, told: Store) -> None:
    assert [row["rule"] for row in call("quarantine", "list", "--json").json] == ["item_has_name"]
    assert call("quarantine", "list", "--json", "--entity", "bom").json == []
    assert call("quarantine", "show", "I-9", "--json").json[0]["payload"] == {"a": 1}
    assert call("quarantine", "show", "I-8").code == 2


def test_conflicts_and_notices(call: Call, told: Store) -> None:
    assert call("conflicts", "list", "--json").json[0]["chosen"] == "a"
    assert "a; b" in call("conflicts", "list").out
    assert "加急。" in call("notices", "list", "--lang", "zh").out
    assert call("notices", "list", "--json").json[0]["text"]["en"] == "Hurry."
    assert "on the board" in call("notices", "list").out


def test_tasks__are_listed_and_settled_once(call: Call, told: Store) -> None:
    title, due = {"en": "Review SO-1", "zh": "评审 SO-1"}, datetime(2026, 11, 3, tzinfo=UTC)
    with told.begin() as tx:
        for owner in ("production", "supply"):
            tasks.open_all(tx, [Task("custom_order_review", owner, "SO-1", title, "rule:r", "e", due)], due)
    assert [row["owner"] for row in call("tasks", "list", "--json", "--owner", "supply").json] == ["supply"]
    assert "评审 SO-1" in call("tasks", "list", "--lang", "zh").out
    assert call("tasks", "done", "1", "--json").json["closed_by"] == f"person:{account()}"
    assert call("tasks", "refuse", "2", "--note", "no steel", "--json").json["note"] == "no steel"
    assert call("tasks", "list", "--json").json == []
    assert {row["state"] for row in call("tasks", "list", "--settled", "--json").json} == {"done", "refused"}
    again = call("tasks", "done", "2")
    assert (again.code, "settled before: refused" in again.err) == (2, True)
    assert call("tasks", "done", "9").code == 2
    assert call("tasks", "refuse", "2").code == 2  # a refusal says why


def test_timers__are_listed(call: Call, told: Store) -> None:
    at = datetime(2026, 11, 3, tzinfo=UTC)
    with told.begin() as tx:
        timers.start(tx, [Timer("work-overdue", "open_work", "M|A|1", at, at, "e")], at)
    assert [row["rule"] for row in call("timers", "list", "--json").json] == ["work-overdue"]
    assert "等待中" in call("timers", "list", "--lang", "zh").out


def test_notices_ack__takes_note_once(call: Call, told: Store) -> None:
    assert call("notices", "ack", "1", "--json").json == {"acknowledged": [1]}
    assert call("notices", "ack", "1", "--json").json == {"acknowledged": []}
    assert call("notices", "list", "--unread", "--json").json == []
    assert call("notices", "list", "--json").json[0]["read_at"]
    with told.read() as tx:
        assert [(act.actor, act.action) for act in audit.listed(tx, "notice/1")] == [
            (f"person:{account()}", "acknowledge")
        ]
    unknown = call("notices", "ack", "1", "7")
    assert (unknown.code, "no notice 7" in unknown.err) == (2, True)


def test_notices_send__over_the_deployments_channels(call: Call, told: Store, tmp_path: Path) -> None:
    assert "names no audience" in call("notices", "send").out
    file = tmp_path / "plant.yaml"
    file.write_text(
        (DEPLOYMENTS / "plant.yaml").read_text(encoding="utf-8")
        + "\nnotifications:\n  channels: {hook: {kind: webhook, url: {env: HOOK}, secret: {env: HOOK_SECRET}}}\n"
        "  audiences: {production_supervisor: {channels: [hook]}}\n  forget_after_hours: 999999\n",
        encoding="utf-8",
    )
    said = {"MILLSTREAM_DEPLOYMENT": str(file)}
    without = call("notices", "send", **said)
    assert (without.code, "not set: HOOK, HOOK_SECRET" in without.out) == (1, True)
    with serving() as server:
        server.script = [Answer(204)]
        sent = call("notices", "send", "--json", HOOK=server.url, HOOK_SECRET="s", **said)
        assert (sent.code, sent.json["delivered"], server.asked[0].json["numbers"]) == (0, 1, [1])
    assert call("notices", "list", "--json").json[0]["told"][0]["state"] == "delivered"


# -- status, trace, doctor -----------------------------------------------------------------------------------------


def test_status__parked_is_4_and_says_what_to_type(call: Call, told: Store) -> None:
    ended = call("status", "--json")
    assert ended.code == 4
    press = {row["state"]: row["press"] for row in ended.json["oldest_stuck"]}
    assert press["held"] == "millstream connections set erp live"
    assert press["parked"] == f"millstream outbox show {id_of(told, 'M-2')[:12]}"
    (wms,) = ended.json["down"]
    assert (wms["system"], wms["since"], wms["streams"]) == ("wms", NOW.isoformat(), ["items"])
    said = " ".join(call("status").out.split())
    assert "wms │ 2026-11-02 08:00:00" in said
    assert "items │ it is down │ millstream probe wms" in said


def test_status__a_system_that_brings_nothing_is_3(call: Call, store: Store) -> None:
    with store.begin() as tx:
        runs.start(tx, "run-1", "run:run-1", NOW, NOW)
        runs.record_stage(tx, "run-1", "land", {"rows": 0, "halted": "it is down"}, NOW, part="wms/items")
        runs.finish(tx, "run-1", "done", NOW)
    ended = call("status", "--json")
    assert (ended.code, ended.json["down"][0]["system"]) == (3, "wms")


def test_status__a_document_that_stands_twice_is_4(call: Call, told: Store) -> None:
    with told.begin() as tx:
        doubles.record(tx, [doubles.Double("erp", "order_production", "WO-1", ["100", "101"], NOW)])
    assert "WO-1 stands more than once (100, 101)" in " ".join(call("status").out.split())
    ended = call("status", "--json")
    assert ended.code == 4
    assert ended.json["doubles"][0]["native_ids"] == ["100", "101"]


def test_status_and_doctor__a_circuit_that_is_open_with_its_time_and_reason(call: Call, told: Store) -> None:
    with told.begin() as tx:
        circuits.note(tx, CircuitRow("crm", "closed", NOW, None, ""))
        circuits.note(tx, CircuitRow("wms", "open", NOW, NOW + timedelta(seconds=10), "no answer came within 20 s"))
    [row] = call("status", "--json").json["circuits"]
    assert (row["system"], row["state"], row["since"]) == ("wms", "open", NOW.isoformat())
    said = "left alone since 2026-11-02 08:00:00 UTC: no answer came within 20 s; tried again from 08:00:10"
    assert f"wms: {said}" in call("status").out
    findings = {row["subject"]: row for row in call("doctor", "--offline", "--json").json}
    assert (findings["circuit wms"]["verdict"], findings["circuit wms"]["said"]) == ("bad", said)
    assert "circuit crm" not in findings
    assert "暂停访问" in call("status", MILLSTREAM_LANG="zh").out


def test_trace__an_order_with_its_commands(call: Call, told: Store) -> None:
    ended = call("trace", "SO-26-00001", "--json")
    assert ended.code == 4
    assert [row["reference"] for row in ended.json["commands"]] == ["M-1", "M-2", "M-3"]
    assert ended.json["documents"][0]["native_id"] == "801"
    assert "M-2" in call("trace", "SO-26-00001").out


def test_doctor__names_what_is_missing_but_no_value(call: Call, told: Store) -> None:
    ended = call(
        "doctor", "--offline", MILLSTREAM_ERP_APP_SECRET="canary-7f3", MILLSTREAM_CRM_URL="http://u:canary-7f3@h"
    )
    assert ended.code == 1
    assert "MILLSTREAM_MES_CLIENT_SECRET" in ended.out
    assert "MILLSTREAM_ERP_APP_SECRET is not set" not in ended.out
    assert "canary-7f3" not in ended.out + ended.err
    assert "sqlite synchronous" in ended.out


def test_probe__without_variables_is_2_and_a_dead_address_3(call: Call) -> None:
    ended = call("probe", "wms")
    assert ended.code == 2
    assert "connectors/wms/system.yaml" in ended.err
    wms = {"MILLSTREAM_WMS_URL": "http://127.0.0.1:9", "MILLSTREAM_WMS_USER": "u", "MILLSTREAM_WMS_PASSWORD": "p"}
    ended = call("probe", "wms", "--json", **wms)
    assert (ended.code, ended.json["usable"]) == (3, False)


# -- check, preview ------------------------------------------------------------------------------------------------


def test_check__what_is_shipped_is_fine(call: Call) -> None:
    ended = call("check", "--json")
    assert (ended.code, ended.json["faults"]) == (0, [])


def test_check__places_every_fault(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "plant.yaml"
    file.write_text(
        DEPLOYMENT.replace("timezone:", "timezoan:").replace("{role: mes}", "{rolle: mes}"), encoding="utf-8"
    )
    ended = call("check", "--deployment", str(file), "--json")
    assert ended.code == 2
    assert {(fault["line"], fault["column"] > 0) for fault in ended.json["faults"]} >= {(3, True), (7, True)}
    assert f"{file}:3:1" in call("check", "--deployment", str(file)).out


def test_check__says_what_nobody_does(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(DEPLOYMENT.replace("  wms: {role: wms}\n", ""), encoding="utf-8")
    ended = call("check", "--deployment", str(file), "--json")
    assert ended.code == 0
    assert {"note": "role", "role": "wms"} in ended.json["notes"]
    shadows = [note["system"] for note in ended.json["notes"] if note["note"] == "shadow"]
    assert shadows == ["crm", "erp", "mes"]


def test_check__says_what_a_rule_leaves_out_that_its_target_needs(tmp_path: Path) -> None:
    shipped = load_configuration(Settings.from_environment({"MILLSTREAM_HOME": str(tmp_path)}))
    assert [values for note, values in notes(shipped) if note == "unsaid"] == []
    erp, node = shipped.mappings["erp"], OutboundNode.model_validate({"from": "colour.name"})
    spec = erp.outbound["request_purchase"]
    spec = spec.model_copy(update={"fields": {**spec.fields, "FColour": node}})
    wider = replace(erp, outbound={**erp.outbound, "request_purchase": spec})
    found = notes(replace(shipped, mappings={**shipped.mappings, "erp": wider}))
    unsaid = [values for note, values in found if note == "unsaid"]
    assert unsaid
    assert {(one["fields"], one["system"], one["command"]) for one in unsaid} == {("colour", "erp", "request_purchase")}


def test_check_and_doctor__say_how_a_connection_in_shadow_goes_live(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(DEPLOYMENT.replace("{role: crm}", "{role: crm, state: live}"), encoding="utf-8")
    said = call("check", "--deployment", str(file)).out
    assert "connections set erp live" in said
    assert "connections set crm live" not in said
    here = {"MILLSTREAM_DEPLOYMENT": str(file)}
    assert call("connections", "set", "erp", "live", **here).code == 0
    found = {one["subject"]: one for one in call("doctor", "--offline", "--json", **here).json}
    assert found["connection erp"]["verdict"] == "ok"
    assert found["connection mes"]["verdict"] == "note"
    assert "connections set mes live" in found["connection mes"]["said"]


def test_preview__maps_a_record_and_names_what_is_unused(call: Call, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"code": "WC-1", "name": "车床", "surprise": 1}), encoding="utf-8")
    mapping = str(ROOT / "mappings" / "mes" / "work_centre.inbound.yaml")
    ended = call("preview", mapping, "--record", str(record), "--json")
    assert "surprise" in ended.json["unused"]
    assert ended.json["record"]["name"] == "车床"
    assert call("preview", mapping, "--record", str(tmp_path / "none.json")).code == 2


# -- pass reports --------------------------------------------------------------------------------------------------


def test_draw_stages__a_stage_that_nobody_named_is_drawn_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"reshape": {"rows": 3, "odd": 1}}
    passed = passes.PassReport("run-1", "done", counts, {}, {}, {})
    passes.draw_stages(Terminal.open(Words("zh"), {}), passed)
    said = capsys.readouterr().out
    assert "reshape" in said
    assert "行 3, odd 1" in said


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_seconds__belong_to_the_stage_that_ended(order: tuple[int, ...]) -> None:
    ends = [("land", "a", 2), ("land", "b", 3), ("plan", "", 7)]
    parts = [StageCounts(stage, part, {}, NOW + timedelta(seconds=at)) for stage, part, at in (ends[i] for i in order)]
    spent = passes.seconds(NOW, parts)
    assert (spent["land"], spent["plan"], spent["deliver"]) == (3.0, 4.0, 0.0)


# -- tokens --------------------------------------------------------------------------------------------------------


def test_tokens__are_shown_once_listed_without_what_opens_and_revoked(call: Call, told: Store) -> None:
    made = call("tokens", "make", "refine", "--scope", "reconcile", "--days", "30", "--json").json
    assert made["addresses"][0] == f"http://127.0.0.1:8720/reconcile/{made['token']}/item"
    assert call("tokens", "make", "refine", "--scope", "match").code != 0
    assert call("tokens", "make", "Refine!", "--scope", "match").code != 0
    assert call("tokens", "make", "later", "--scope", "match", "--days", "400").code != 0
    (row,) = call("tokens", "list", "--json").json
    assert (row["name"], row["scope"], row["holds"], row["uses"]) == ("refine", "reconcile", True, 0)
    assert made["token"] not in call("tokens", "list").out
    assert made["token"].encode() not in (Path(told.engine.url.database or "")).read_bytes()
    assert call("tokens", "revoke", "refine", "--json").json["changed"]
    assert not call("tokens", "revoke", "refine", "--json").json["changed"]
    assert call("tokens", "make", "refine", "--scope", "match").out.strip().splitlines()[-1].startswith("ms_")
