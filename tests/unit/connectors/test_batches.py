"""Many documents in one call: every part of a batch's reply is attributed beyond doubt, or counts as unknown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from canonical.commands import OutcomeKind, StepReceipt
from canonical.errors import MillstreamError
from connectors.batches import calls, joined, quoted
from connectors.port import Connector, StepRequest
from connectors.registry import load_system, missing_variables, open_connector
from tests.unit.connectors.loopback import Answer, Asked, Server

APPLIED, UNKNOWN, REJECTED, RETRY = (
    OutcomeKind.APPLIED, OutcomeKind.UNKNOWN, OutcomeKind.REJECTED, OutcomeKind.RETRY,
)  # fmt: skip
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def _open(system: str, server: Server) -> Connector:
    names = [fault.message.split()[2] for fault in missing_variables(load_system(system), {})]
    return open_connector(system, {**dict.fromkeys(names, "x"), f"MILLSTREAM_{system.upper()}_URL": server.url})


@pytest.fixture
def erp(server: Server) -> Iterator[Connector]:
    connector = _open("erp", server)
    yield connector
    connector.close()


@pytest.fixture
def crm(server: Server) -> Iterator[Connector]:
    connector = _open("crm", server)
    yield connector
    connector.close()


def _order(number: int, **more: Any) -> StepRequest:
    payload = {"FTreeEntity": [{"FQty": 4}]}
    return StepRequest(f"c{number}", "order_production", "create", "save_and_audit", f"R{number}", payload, **more)


def _purchase(number: int, step: str = "save", **more: Any) -> StepRequest:
    saved = StepReceipt("save", str(number), f"MO{number}", f"R{number}", NOW)
    given = {"receipts": {} if step == "save" else {"save": saved}, **more}
    payload = {"FEntity": [{"FReqQty": 4}]}
    return StepRequest(f"c{number}", "request_purchase", "create", step, f"R{number}", payload, **given)


def _done(place: int, number: int) -> dict[str, Any]:
    return {"Id": number, "Number": f"MO{number}", "DIndex": place}


def _shown(number: int, **more: Any) -> dict[str, Any]:
    order = {"FTreeEntity": [{"FQty": "4.0"}], "FDocumentStatus": "C"}
    return {"F_MS_Ref": f"R{number}", "FBillNo": f"MO{number}", **order, "FEntity": [{"FReqQty": "4.0"}], **more}


def _refusal(place: int | None, message: str = "字段必录") -> dict[str, Any]:
    return {"DIndex": place, "Message": message}


def _reply(
    done: Sequence[dict[str, Any]], refused: Sequence[dict[str, Any]] = (), shown: Sequence[dict[str, Any]] = (),
    code: int = 11,
) -> Answer:  # fmt: skip
    status = {
        "IsSuccess": not refused, "SuccessEntitys": list(done), "Errors": list(refused),
        "MsgCode": code if refused else 0,
    }  # fmt: skip
    return Answer(body={"Result": {"ResponseStatus": status, "NeedReturnData": list(shown)}})


def _kinds(connector: Connector, requests: Sequence[StepRequest]) -> list[OutcomeKind]:
    return [outcome.kind for outcome in connector.write(requests)]


def test_write__many_are_saved_by_one_call(server: Server, erp: Connector) -> None:
    server.script = [_reply([_done(1, 2), _done(0, 1)], shown=[_shown(2), _shown(1)])]
    first, second = erp.write([_order(1), _order(2)])
    assert (first.kind, second.kind) == (APPLIED, APPLIED)
    assert first.receipt
    assert (first.receipt.native_id, first.receipt.native_number, first.receipt.echoed_reference) == ("1", "MO1", "R1")
    [asked] = server.asked
    assert "BatchSave" in asked.path
    assert [model["F_MS_Ref"] for model in asked.json["data"]["Model"]] == ["R1", "R2"]
    assert asked.json["data"]["IsAutoSubmitAndAudit"] == "true"


def test_write__steps_of_two_operations_go_out_at_the_same_time(server: Server, erp: Connector) -> None:
    assert erp.operations["order_production"].calls_at_once > 1
    both_asked = threading.Barrier(2, timeout=5)

    def reply(_: Asked) -> Answer:
        both_asked.wait()
        return _reply([_done(1, 2), _done(0, 1)], shown=[_shown(2), _shown(1)])

    server.reply = reply
    requests = [_purchase(number) for number in (1, 2)]
    assert len(_kinds(erp, [_order(1), *requests, _order(2)])) == 4
    assert len(server.asked) == 2


def test_write__one_document_goes_as_ever(server: Server, erp: Connector) -> None:
    server.script = [Answer(500, None)]
    assert _kinds(erp, [_order(1)]) == [UNKNOWN]
    assert ".Save." in server.asked[0].path


def test_write__more_than_a_batch_holds_are_several_calls(server: Server, erp: Connector) -> None:
    def answer(asked: Asked) -> Answer:
        models = asked.json["data"]["Model"]
        numbers = [int(model["F_MS_Ref"][1:]) for model in models]
        return _reply([_done(*one) for one in enumerate(numbers)], shown=[_shown(number) for number in numbers])

    server.reply = answer
    assert _kinds(erp, [_order(number) for number in range(1, 121)]) == [APPLIED] * 120
    assert [len(asked.json["data"]["Model"]) for asked in server.asked] == [50, 50, 20]


def test_write__what_wants_to_be_alone_is(server: Server, erp: Connector) -> None:
    server.script = [
        _reply([_done(0, 1), _done(1, 3)], shown=[_shown(1), _shown(3)]),
        Answer(500, None),
    ]
    assert _kinds(erp, [_order(1), _order(2, alone=True), _order(3)]) == [APPLIED, UNKNOWN, APPLIED]
    assert ".Save." in server.asked[1].path


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        # one refusal among documents that are surely ours: the code is its own
        (_reply([_done(0, 1), _done(2, 3)], [_refusal(1)], [_shown(1), _shown(3)]), [APPLIED, REJECTED, APPLIED]),
        (_reply([_done(0, 1), _done(2, 3)], [_refusal(1)], [_shown(1), _shown(3)], 13), [APPLIED, RETRY, APPLIED]),
        (_reply([_done(0, 1), _done(2, 3)], [_refusal(1)], [_shown(1), _shown(3)], 4), [APPLIED, UNKNOWN, APPLIED]),
        # two refusals share one code
        (_reply([_done(0, 1)], [_refusal(1), _refusal(2)], [_shown(1)]), [APPLIED, UNKNOWN, UNKNOWN]),
        # two messages for one document
        (
            _reply([_done(0, 1), _done(2, 3)], [_refusal(1), _refusal(1)], [_shown(1), _shown(3)]),
            [APPLIED, REJECTED, APPLIED],
        ),
        # the third stands in neither list
        (_reply([_done(0, 1), _done(1, 2)], shown=[_shown(1), _shown(2)]), [APPLIED, APPLIED, UNKNOWN]),
        (_reply([_done(0, 1)], [_refusal(1)], [_shown(1)]), [APPLIED, UNKNOWN, UNKNOWN]),
        # the second stands in both
        (_reply([_done(0, 1), _done(1, 2), _done(2, 3)], [_refusal(1)], [_shown(1), _shown(2), _shown(3)]),
         [APPLIED, UNKNOWN, APPLIED]),
        # a reply that belongs to another batch
        (_reply([_done(0, 7), _done(2, 9)], [_refusal(1)], [_shown(7), _shown(9)]), [UNKNOWN] * 3),
        (_reply([_done(0, 1), _done(1, 2), _done(2, 3)], shown=[_shown(3), _shown(1), _shown(2)]), [APPLIED] * 3),
        (_reply([_done(0, 2), _done(1, 1), _done(2, 3)], shown=[_shown(1), _shown(2), _shown(3)]),
         [UNKNOWN, UNKNOWN, APPLIED]),
        # another quantity than was sent
        (_reply([_done(0, 1), _done(1, 2), _done(2, 3)],
                shown=[_shown(1), _shown(2, FTreeEntity=[{"FQty": 5}]), _shown(3)]), [APPLIED, UNKNOWN, APPLIED]),
        # saved, and left in approval
        (_reply([_done(0, 1), _done(1, 2), _done(2, 3)],
                shown=[_shown(1), _shown(2, FDocumentStatus="B"), _shown(3)]), [APPLIED, UNKNOWN, APPLIED]),
        # refusals that name nobody, all refused, refused as a whole
        (_reply([_done(0, 1)], [_refusal(None)], [_shown(1)]), [APPLIED, UNKNOWN, UNKNOWN]),
        (_reply([], [_refusal(0), _refusal(1), _refusal(2)]), [UNKNOWN] * 3),
        (_reply([], [_refusal(0)], code=8), [UNKNOWN] * 3),
        (_reply([], [_refusal(0)], code=14), [RETRY] * 3),
        # no answer, or none that can be read
        (Answer(500, None), [UNKNOWN] * 3),
        (Answer(drop=True), [UNKNOWN] * 3),
        (Answer(body={"Result": {}}, cut=True), [UNKNOWN] * 3),
        (Answer(body={"Result": {}}), [UNKNOWN] * 3),
        (Answer(body=[]), [UNKNOWN] * 3),
        (Answer(body=b"<html>", kind="text/html"), [UNKNOWN] * 3),
        (Answer(429, None, {"Retry-After": "1"}), [RETRY] * 3),
    ],
)  # fmt: skip
def test_write__each_part_of_a_reply_is_attributed_or_unknown(
    server: Server, erp: Connector, answer: Answer, kinds: list[OutcomeKind]
) -> None:
    server.reply = lambda _: answer
    assert _kinds(erp, [_order(1), _order(2), _order(3)]) == kinds
    assert len(server.asked) == 1


def test_write__session_lost_is_renewed_only_where_nothing_was_done(server: Server, erp: Connector) -> None:
    lost = _reply([], [_refusal(0, "会话信息已丢失")], code=1)
    server.script = [lost, _reply([_done(0, 1), _done(1, 2)], shown=[_shown(1), _shown(2)])]
    assert _kinds(erp, [_order(1), _order(2)]) == [APPLIED, APPLIED]
    server.script = [_reply([_done(0, 1)], [_refusal(1, "会话信息已丢失")], [_shown(1)], code=1)]
    assert _kinds(erp, [_order(1), _order(2)]) == [APPLIED, RETRY]
    assert len(server.asked) == 3


@pytest.mark.parametrize("step", ["submit", "audit"])
def test_write__steps_of_many_are_matched_by_id_and_number(server: Server, erp: Connector, step: str) -> None:
    other = {"Id": 2, "Number": "PR2", "DIndex": 1}  # the same id in another form
    server.script = [_reply([_done(0, 1), _done(1, 2)]), _reply([_done(0, 1), other]), _reply([_done(0, 2)])]
    requests = [_purchase(1, step), _purchase(2, step)]
    assert _kinds(erp, requests) == [APPLIED, APPLIED]
    assert _kinds(erp, requests) == [APPLIED, UNKNOWN]
    assert _kinds(erp, requests) == [UNKNOWN, UNKNOWN]
    assert server.asked[0].json["data"] == {"Ids": "1,2"}


def test_write__a_document_without_id_is_refused_before_the_call(server: Server, erp: Connector) -> None:
    server.script = [_reply([_done(0, 1), _done(1, 3)])]
    requests = [_purchase(1, "submit"), _purchase(2, "submit", receipts={}), _purchase(3, "submit")]
    assert _kinds(erp, requests) == [APPLIED, REJECTED, APPLIED]
    assert server.asked[0].json["data"] == {"Ids": "1,3"}


# The CRM: results in order, read back


def _progress(number: int) -> StepRequest:
    payload = {"Stage__c": f"stage {number}", "Percent_Complete__c": 40}
    return StepRequest(f"c{number}", "update_order_progress", "create", "upsert", f"P{number}", payload)


def _salesforce(results: Answer, shown: Sequence[int]) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        if "token" in asked.path:
            return Answer(body={"access_token": "t", "instance_url": "", "token_type": "Bearer"})
        if asked.method == "PATCH":
            return results
        records = [
            {"Id": f"a{number}", "Order_Ref__c": f"P{number}", "Stage__c": f"stage {number}",
             "Percent_Complete__c": 40.0} for number in shown
        ]  # fmt: skip
        return Answer(body={"totalSize": len(records), "done": True, "records": records})

    return answer


def _result(number: int, code: str | None = None) -> dict[str, Any]:
    errors = [{"statusCode": code, "message": "no", "fields": []}] if code else []
    return {"id": None if code else f"a{number}", "success": not code, "errors": errors}


@pytest.mark.parametrize(
    ("results", "shown", "kinds"),
    [
        ([_result(1), _result(2), _result(3)], (1, 2, 3), [APPLIED] * 3),
        ([_result(1), _result(2, "INVALID"), _result(3)], (1, 3), [APPLIED, REJECTED, APPLIED]),
        ([_result(1), _result(2, "UNABLE_TO_LOCK_ROW"), _result(3)], (1, 3), [APPLIED, RETRY, APPLIED]),
        ([_result(1), _result(2), _result(3)], (1, 3), [APPLIED, UNKNOWN, APPLIED]),  # not there
        ([_result(1), _result(2, "INVALID"), _result(3)], (1, 2, 3), [APPLIED, UNKNOWN, APPLIED]),  # another's refusal
        ([_result(1), _result(2)], (1, 2, 3), [UNKNOWN] * 3),  # another batch's reply
        ([1, 2, 3], (1, 2, 3), [UNKNOWN] * 3),
    ],
)
def test_crm__results_in_order_are_read_back(
    server: Server, crm: Connector, results: list[Any], shown: Sequence[int], kinds: list[OutcomeKind]
) -> None:
    server.reply = _salesforce(Answer(body=results), shown)
    assert _kinds(crm, [_progress(1), _progress(2), _progress(3)]) == kinds
    sent = [asked for asked in server.asked if asked.method == "PATCH"]
    assert [asked.path for asked in sent] == ["/services/data/v59.0/composite/sobjects/Order_Progress__c/Order_Ref__c"]
    assert sent[0].json["allOrNone"] is False
    assert sent[0].json["records"][0]["attributes"] == {"type": "Order_Progress__c"}
    assert sent[0].json["records"][0]["Order_Ref__c"] == "P1"
    questions = [asked for asked in server.asked if asked.method == "GET"]
    assert len(questions) == 1


@pytest.mark.parametrize(("answer", "kind"), [(Answer(drop=True), UNKNOWN), (Answer(400, [{}]), UNKNOWN)])
def test_crm__batch_without_answer_is_unknown(
    server: Server, crm: Connector, answer: Answer, kind: OutcomeKind
) -> None:
    server.reply = _salesforce(answer, ())
    assert _kinds(crm, [_progress(1), _progress(2)]) == [kind, kind]


def test_crm__what_cannot_be_read_back_is_unknown(server: Server, crm: Connector) -> None:
    good = _salesforce(Answer(body=[_result(1), _result(2)]), (1, 2))
    server.reply = lambda asked: Answer(400, [{}]) if asked.method == "GET" else good(asked)
    assert _kinds(crm, [_progress(1), _progress(2)]) == [UNKNOWN, UNKNOWN]


# Looking up


def _row(number: int) -> list[Any]:
    look_up = load_system("erp").system.operations["order_production"].look_up
    assert look_up
    row = {"FID": number, "FBillNo": f"MO{number}", "F_MS_Ref": f"R{number}", "FDocumentStatus": "B"}
    return [row.get(column) for column in look_up.columns]


def test_look_up__many_references_by_one_question(server: Server, erp: Connector) -> None:
    server.script = [Answer(body=[_row(1), _row(3), _row(9)])]
    found = erp.look_up("order_production", ["R1", "R2", "R3", "R1"])
    assert {reference: [one.native_id for one in documents] for reference, documents in found.items()} == {
        "R1": ["1"], "R2": [], "R3": ["3"],
    }  # fmt: skip
    assert server.asked[0].json["data"]["FilterString"] == "F_MS_Ref in ('R1','R2','R3')"


def test_look_up__chunks_of_fifty(server: Server, erp: Connector) -> None:
    server.reply = lambda _: Answer(body=[])
    erp.look_up("order_production", [f"R{number}" for number in range(101)])
    assert len(server.asked) == 3
    assert server.asked[2].json["data"]["FilterString"] == "F_MS_Ref='R100'"


def test_look_up__a_reply_that_may_be_cut_short_is_asked_for_one_by_one(server: Server, erp: Connector) -> None:
    server.script = [Answer(body=[_row(1)] * 2000), Answer(body=[_row(1)]), Answer(body=[_row(2)])]
    found = erp.look_up("order_production", ["R1", "R2"])
    assert [len(found["R1"]), len(found["R2"])] == [1, 1]


def test_look_up__a_quote_never_reaches_a_query(server: Server, erp: Connector) -> None:
    server.reply = lambda _: Answer(body=[])
    with pytest.raises(MillstreamError):
        erp.look_up("order_production", ["R1", "x') or ('1'='1"])
    assert all("or" not in asked.json["data"]["FilterString"] for asked in server.asked)


def test_crm__look_up_of_many(server: Server, crm: Connector) -> None:
    server.reply = _salesforce(Answer(), (1,))
    found = crm.look_up("update_order_progress", ["P1", "P2"])
    assert [len(found["P1"]), len(found["P2"])] == [1, 0]
    [query] = parse_qs(urlsplit(server.asked[-1].path).query)["q"]
    assert query.endswith("WHERE Order_Ref__c IN ('P1','P2')")


# The pieces


def test_calls__one_reference_stands_once_in_a_call() -> None:
    batch = load_system("erp").system.operations["order_production"].steps["save_and_audit"].batch
    assert calls([_order(1), _order(1), _order(2)], lambda _: batch) == [[0], [1, 2]]


def test_calls__steps_are_not_mixed() -> None:
    batch = load_system("erp").system.operations["request_purchase"].steps["save"].batch
    requests = [_purchase(1), _purchase(2, "submit"), _purchase(3), _purchase(4, "submit")]
    assert calls(requests, lambda _: batch) == [[0, 2], [1, 3]]


def test_joined__separator_inside_an_item_is_refused() -> None:
    assert joined([1, 2], None) == [1, 2]
    assert joined([1, 2], ",") == "1,2"
    with pytest.raises(MillstreamError):
        joined(["1,2", 3], ",")


def test_quoted__only_what_cannot_change_a_query() -> None:
    assert quoted(["a", "b"]) == "'a','b'"
    assert quoted(["a", "b'"]) is None
