"""A whole declared REST system against a real server: reading, writing, looking up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from canonical.commands import OutcomeKind, StepReceipt
from canonical.errors import AuthenticationFailed, ConfigurationError, SchemaDrift, SystemUnavailable
from connectors.port import Connector, FoundDocument, StepRequest
from connectors.registry import open_connector
from tests.unit.connectors.loopback import Answer, Asked, Server

SYSTEM = """
system: acme
role: mes
product: Acme
protocol: rest
timezone: UTC
base_url: {env: ACME_URL}
auth: {kind: bearer, token: {env: ACME_TOKEN}}
limits: {read_attempts: 3, requests_per_second: 1000, timeout_seconds: 5}
errors:
  code: code
  message: message
  failed: "ok == `false`"
  outcomes:
    - {code: SESSION, outcome: expired}
    - {code: BUSY, outcome: retry}
streams:
  things:
    entity: item
    request:
      path: /things
      params: {cursor: "{cursor?}", since: "{since?}"}
    records: items
    paging: {kind: cursor, at: next}
    watermark: {field: at}
  rows:
    entity: item
    request:
      method: POST
      path: /rows
      body: {keys: "{columns}", filter: "{since_clause}", start: "{offset}", limit: "{limit}"}
    columns: [A, B.C]
    paging: {kind: offset, limit: 2}
    watermark: {field: A, format: local, clause: "A >= '{since}'"}
  numbered:
    entity: item
    request: {path: /numbered, params: {page: "{page}", size: "{limit}"}}
    paging: {kind: number, limit: 2, first: 0}
    complete: true
  lines:
    entity: shipment
    request: {path: /lines}
    explode: lines.line
    paging: {kind: next_path, at: next}
    complete: true
    records: items
operations:
  make:
    entity: work_order
    settle_seconds: 2
    steps:
      save:
        class: B
        request:
          method: POST
          path: /orders
          headers: {Idempotency-Key: "{idempotency_key}"}
          body: {model: "{payload}"}
        fields: {ref: "{reference}", id: "{existing.native_id?}"}
        reply: {native_id: id, native_number: number, reference: ref, echo: {quantity: "{payload.quantity?}"}}
        outcomes:
          - {code: DONE, message: ["[{native_number}]"], outcome: unchanged}
      submit:
        class: B
        request: {method: POST, path: "/orders/{native_id}/submit"}
        reply: {native_id: id, echo: {id: "{receipts.save.native_id?}"}}
      revise:
        class: A
        request:
          method: PATCH
          path: /orders/{existing.native_id}
          headers: {If-Match: "{existing.version}"}
          body: "{payload}"
        only: [quantity]
        reply: {native_id: id, reference: ref}
        read_back: true
    variants:
      create: [save, submit]
      change: [revise]
    look_up:
      request: {path: /orders, params: {ref: "{reference}"}}
      records: items
      reference: ref
      native_id: id
      native_number: number
      version_request: {path: "/orders/{native_id}"}
      done_steps: {save: id, submit: "status == 'B'"}
"""
NOW = datetime(2026, 11, 2, tzinfo=UTC)
Reply = Callable[[Asked], Answer]


@pytest.fixture
def acme(server: Server, tmp_path: Path) -> Iterator[Connector]:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "system.yaml").write_text(SYSTEM)
    connector = open_connector("acme", {"ACME_URL": server.url, "ACME_TOKEN": "t"}, folder=tmp_path)
    yield connector
    connector.close()


def _request(step: str = "save", variant: Any = "create", **more: Any) -> StepRequest:
    given = {"reference": "R1", "payload": {"quantity": Decimal("1.5")}, "command_id": "c1", **more}
    return StepRequest(operation="make", variant=variant, step=step, **given)


def _saved(**more: object) -> Answer:
    return Answer(body={"id": 7, "number": "N7", "ref": "R1", "quantity": 1.50, **more})


# Reading


def test_read__counts_pages_until_one_is_not_full(server: Server, acme: Connector) -> None:
    server.script = [Answer(body=[{"n": 1}, {"n": 2}]), Answer(body=[{"n": 3}])]
    assert [len(page.records) for page in acme.read("numbered", None)] == [2, 1]
    asked = [parse_qs(urlsplit(asked.path).query) for asked in server.asked]
    assert asked == [{"page": ["0"], "size": ["2"]}, {"page": ["1"], "size": ["2"]}]


def test_read__follows_cursors_and_reports_the_highest_change(server: Server, acme: Connector) -> None:
    server.script = [
        Answer(body={"items": [{"at": "2026-01-02T00:00:00.5Z"}, {"at": "2026-01-02T00:00:00Z"}], "next": "c 1"}),
        Answer(body={"items": [{"at": None}], "next": None}),
    ]
    pages = list(acme.read("things", "2026-01-01T00:00:00Z"))
    assert [page.watermark for page in pages] == ["2026-01-02T00:00:00.5Z", None]
    first, second = (parse_qs(urlsplit(asked.path).query) for asked in server.asked)
    assert first == {"since": ["2026-01-01T00:00:00Z"]}
    assert second == {"since": ["2026-01-01T00:00:00Z"], "cursor": ["c 1"]}
    assert server.asked[0].headers["authorization"] == "Bearer t"


def test_read__a_time_that_is_none_names_it_and_where_to_say_how_it_is_written(server: Server, acme: Connector) -> None:
    server.script = [Answer(body={"items": [{"at": "01.03.2026 08:00"}]})]
    with pytest.raises(SchemaDrift, match=r"'01.03.2026 08:00'; watermark.format"):
        list(acme.read("things", None))


def test_probe__a_reply_without_the_records_is_no_reading(server: Server, acme: Connector) -> None:
    server.script = [Answer(body={"status": "fault", "text": "who are you?"})]
    found = acme.probe(datetime.now(UTC))
    assert found.clock_skew_seconds is None
    assert found.message == "the reply holds no list at 'items' (it holds status, text)"


def test_read__what_changes_on_a_page_that_was_read_already_is_not_missed(server: Server, acme: Connector) -> None:
    before = datetime.now(UTC) - timedelta(hours=1)
    changed = {"K1": before, "K2": before, "K3": before}

    def reply(asked: Asked) -> Answer:
        given = parse_qs(urlsplit(asked.path).query)
        since = datetime.fromisoformat(given["since"][0]) if "since" in given else before
        records = [{"key": key, "at": at.isoformat()} for key, at in sorted(changed.items()) if at >= since]
        if "cursor" in given:
            return Answer(body={"items": records[1:], "next": None})
        now = datetime.now(UTC)
        changed.update(K1=now, K3=now + timedelta(milliseconds=5))  # after the first page was put together
        return Answer(body={"items": records[:1], "next": "second"})

    server.reply = reply
    pages = list(acme.read("things", None))
    assert [record["key"] for page in pages for record in page.records] == ["K1", "K2", "K3"]
    (watermark,) = {page.watermark for page in pages}
    server.reply = lambda asked: Answer(body={"items": list(_since(changed, asked)), "next": None})
    (again,) = acme.read("things", watermark)
    assert "K1" in {record["key"] for record in again.records}, "its change came after its page was read"


def _since(changed: Mapping[str, datetime], asked: Asked) -> Iterator[dict[str, str]]:
    since = datetime.fromisoformat(parse_qs(urlsplit(asked.path).query)["since"][0])
    yield from ({"key": key, "at": at.isoformat()} for key, at in changed.items() if at >= since)


def test_read__rows_become_objects_page_by_page(server: Server, acme: Connector) -> None:
    server.script = [Answer(body=[["2026-01-01", 1], ["2026-01-03", 2]]), Answer(body=[["2026-01-02", 3]])]
    pages = list(acme.read("rows", "2026-01-01"))
    assert pages[0].records[0] == {"A": "2026-01-01", "B.C": 1}
    assert server.asked[0].json == {"keys": "A,B.C", "filter": "A >= '2026-01-01'", "start": 0, "limit": 2}
    assert server.asked[1].json["start"] == 2


def test_read__everything_has_an_empty_clause(server: Server, acme: Connector) -> None:
    server.script = [Answer(body=[])]
    assert [page.records for page in acme.read("rows")] == [[]]
    assert not server.asked[0].json["filter"]


def test_read__explodes_lines_and_follows_paths(server: Server, acme: Connector) -> None:
    lines = [{"sku": "a"}, {"sku": "b"}]
    server.script = [
        Answer(body={"items": [{"number": "S1", "lines": {"line": lines}}], "next": "/more?token=2"}),
        Answer(body={"items": [{"number": "S2", "lines": {}}]}),
    ]
    records = [record for page in acme.read("lines") for record in page.records]
    assert records == [{"number": "S1", "line": {"sku": "a"}}, {"number": "S1", "line": {"sku": "b"}}]
    assert server.asked[1].path == "/more?token=2"


def test_read__passing_trouble_is_waited_out(server: Server, acme: Connector) -> None:
    server.script = [
        Answer(500, None),
        Answer(body={"items": [{"at": "2026-01-01"}], "next": None}, cut=True),
        Answer(body={"items": [], "next": None}),
    ]
    assert len(list(acme.read("things"))) == 1


def test_read__trouble_that_stays_is_transient(server: Server, acme: Connector) -> None:
    server.reply = lambda _: Answer(503, None)
    with pytest.raises(SystemUnavailable):
        list(acme.read("things"))
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body={"rows": []}),
        Answer(body={"items": ["text"]}),
        Answer(body={"items": [{"at": "yesterday"}]}),
        Answer(400, {"message": "no such field"}),
        Answer(404, None),
    ],
)
def test_read__another_shape_is_drift(server: Server, acme: Connector, answer: Answer) -> None:
    server.reply = lambda _: answer
    with pytest.raises(SchemaDrift):
        list(acme.read("things"))


def test_read__same_cursor_twice_ends(server: Server, acme: Connector) -> None:
    server.reply = lambda _: Answer(body={"items": [], "next": "same"})
    with pytest.raises(SystemUnavailable, match="twice"):
        list(acme.read("things"))


def test_read__refused_credentials(server: Server, acme: Connector) -> None:
    server.reply = lambda _: Answer(401, None)
    with pytest.raises(AuthenticationFailed):
        list(acme.read("things"))
    assert len(server.asked) == 2


def test_read__unknown_stream(acme: Connector) -> None:
    with pytest.raises(ConfigurationError, match="known: things"):
        list(acme.read("thing"))


# Writing


def test_write__applied_with_receipt(server: Server, acme: Connector) -> None:
    server.script = [_saved()]
    [outcome] = acme.write([_request(idempotency_key="k")])
    assert outcome.kind is OutcomeKind.APPLIED
    assert outcome.receipt
    assert (outcome.receipt.native_id, outcome.receipt.native_number, outcome.receipt.echoed_reference) == (
        "7",
        "N7",
        "R1",
    )
    assert server.asked[0].json == {"model": {"quantity": 1.5, "ref": "R1"}}
    assert server.asked[0].headers["idempotency-key"] == "k:save"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_saved(ref="R0"), OutcomeKind.UNKNOWN),
        (_saved(quantity=9), OutcomeKind.UNKNOWN),
        (Answer(body={"id": 1}), OutcomeKind.UNKNOWN),
        (Answer(500, {"message": "boom"}), OutcomeKind.UNKNOWN),
        (Answer(502, None), OutcomeKind.UNKNOWN),
        (Answer(503, None), OutcomeKind.UNKNOWN),
        (Answer(503, None, {"Retry-After": "3"}), OutcomeKind.RETRY),
        (Answer(302, None, {"Location": "/login"}), OutcomeKind.UNKNOWN),
        (Answer(429, None), OutcomeKind.RETRY),
        (Answer(401, None), OutcomeKind.RETRY),
        (Answer(412, None), OutcomeKind.STALE),
        (Answer(422, {"message": "bad"}), OutcomeKind.REJECTED),
        (Answer(200, {"ok": False, "code": "BUSY"}), OutcomeKind.RETRY),
        (Answer(200, {"ok": False, "code": "WRONG"}), OutcomeKind.REJECTED),
        (Answer(200, b"<html>", kind="text/html"), OutcomeKind.UNKNOWN),
        (Answer(drop=True), OutcomeKind.UNKNOWN),
        (Answer(body={"id": 7, "ref": "R1", "quantity": 1.5}, cut=True), OutcomeKind.UNKNOWN),
    ],
)
def test_write__every_answer_has_its_outcome(
    server: Server, acme: Connector, answer: Answer, kind: OutcomeKind
) -> None:
    server.reply = lambda _: answer
    [outcome] = acme.write([_request()])
    assert outcome.kind is kind
    assert len(server.asked) == (2 if answer.status == 401 else 1), "a write is never repeated by itself"


def test_write__retry_after_is_passed_on(server: Server, acme: Connector) -> None:
    server.script = [Answer(429, None, {"Retry-After": "9"})]
    assert acme.write([_request()])[0].retry_after == 9


def test_write__ended_session_was_surely_not_carried_out(server: Server, acme: Connector) -> None:
    server.script = [Answer(200, {"ok": False, "code": "SESSION"}), _saved()]
    assert acme.write([_request()])[0].kind is OutcomeKind.APPLIED


def test_write__refusal_must_name_our_document(server: Server, acme: Connector) -> None:
    existing = FoundDocument("R1", "7", "N7")
    refusal = {"ok": False, "code": "DONE", "ref": "R1"}
    server.script = [
        Answer(body={**refusal, "message": "[N7] is done"}), Answer(body={**refusal, "message": "[N8] is done"}),
    ]  # fmt: skip
    ours, others = acme.write([_request(existing=existing), _request(existing=existing)])
    assert (ours.kind, others.kind) == (OutcomeKind.UNCHANGED, OutcomeKind.REJECTED)
    assert ours.receipt
    assert (ours.receipt.native_id, ours.receipt.native_number) == ("7", "N7")


def test_write__later_step_uses_earlier_receipt(server: Server, acme: Connector) -> None:
    receipt = StepReceipt("save", "7", "N7", "R1", NOW)
    server.script = [Answer(body={"id": 7})]
    [outcome] = acme.write([_request("submit", receipts={"save": receipt})])
    assert outcome.kind is OutcomeKind.APPLIED
    assert server.asked[0].path == "/orders/7/submit"


def test_write__one_bad_request_does_not_stop_the_others(server: Server, acme: Connector) -> None:
    server.script = [_saved()]
    outcomes = acme.write(
        [_request("submit"), _request("none"), StepRequest("c", "x", "create", "save", "R1", {}), _request()]
    )
    assert [outcome.kind.value for outcome in outcomes] == ["rejected", "rejected", "rejected", "applied"]


@pytest.mark.parametrize(("stands", "kind"), [(4, OutcomeKind.APPLIED), (3, OutcomeKind.UNKNOWN)])
def test_write__read_back_compares_what_stands(server: Server, acme: Connector, stands: int, kind: OutcomeKind) -> None:
    order = {"id": 7, "ref": "R1", "number": "N7", "quantity": stands}

    def reply(asked: Asked) -> Answer:
        if asked.path.startswith("/orders?"):
            return Answer(body={"items": [order]})
        return Answer(body=order, headers={"ETag": '"2"'})

    server.reply = reply
    request = _request(
        "revise", "change", payload={"quantity": 4, "unit": "pcs"}, existing=FoundDocument("R1", "7", "N7", '"1"')
    )
    assert acme.write([request])[0].kind is kind
    assert server.asked[0].json == {"quantity": 4}
    assert server.asked[0].headers["if-match"] == '"1"'


def test_write__nobody_listens(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "system.yaml").write_text(SYSTEM)
    closed = open_connector("acme", {"ACME_URL": "http://127.0.0.1:9", "ACME_TOKEN": "t"}, folder=tmp_path)
    assert closed.write([_request()])[0].kind is OutcomeKind.RETRY
    assert closed.probe(NOW).reachable is False
    closed.close()


# Looking up


def test_look_up__finds_documents_and_doubles(server: Server, acme: Connector) -> None:
    stored: Mapping[str, list[dict[str, Any]]] = {
        "R1": [{"id": 7, "ref": "R1", "number": "N7", "status": "B"}, {"id": 8, "ref": "R1", "status": "A"}],
        "R2": [{"id": 9, "ref": "another"}],
    }

    def reply(asked: Asked) -> Answer:
        query = parse_qs(urlsplit(asked.path).query)
        if "ref" in query:
            return Answer(body={"items": stored[query["ref"][0]]})
        return Answer(body={"id": 7, "seen": True}, headers={"ETag": '"5"'})

    server.reply = reply
    found = acme.look_up("make", ["R1", "R2"])
    assert [document.native_id for document in found["R1"]] == ["7", "8"]
    assert found["R1"][0].done_steps == ("save", "submit")
    assert found["R1"][1].done_steps == ("save",)
    assert found["R1"][0].version == '"5"'
    assert found["R2"] == []


def test_look_up__target_that_cannot_say(server: Server, acme: Connector) -> None:
    server.reply = lambda _: Answer(500, None)
    with pytest.raises(SystemUnavailable):
        acme.look_up("make", ["R1"])


def test_look_up__refused_credentials_leave_the_doubt(server: Server, acme: Connector) -> None:
    server.reply = lambda _: Answer(401, None)
    with pytest.raises(SystemUnavailable):
        acme.look_up("make", ["R1"])


def test_probe__times_each_part(server: Server, acme: Connector) -> None:
    server.script = [Answer(body={"items": []})]
    result = acme.probe(datetime.now(UTC))
    assert result.reachable
    assert set(result.timings) == {"connect", "log_in", "read"}
    assert result.clock_skew_seconds is not None
    assert abs(result.clock_skew_seconds) < 5


def test_write__several_threads_each_get_their_own_answer(server: Server, acme: Connector) -> None:
    def reply(asked: Asked) -> Answer:
        model = asked.json["model"]
        return Answer(body={"id": model["ref"], "number": "N", "ref": model["ref"], "quantity": model["quantity"]})

    server.reply = reply
    references = [f"R{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda reference: acme.write([_request(reference=reference)])[0], references))
    assert [outcome.receipt.native_id for outcome in outcomes if outcome.receipt] == references
