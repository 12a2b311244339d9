"""Golden records, conflicts, quarantine and verdicts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from canonical.errors import MillstreamError
from store import conflicts, golden, quarantine, verdicts
from store.conflicts import Conflict
from store.quarantine import QuarantineState, Rejection
from store.unit_of_work import Store
from store.verdicts import Verdict

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def test_golden_record__a_version_for_every_change(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert golden.record(tx, "item", {"G-1": {"name": "螺栓"}, "G-2": {}}, NOW, "run-1") == ["G-1", "G-2"]
        assert golden.record(tx, "item", {"G-1": {"name": "螺栓"}}, LATER, "run-2") == []
        assert golden.record(tx, "item", {"G-1": {"name": "六角螺栓"}}, LATER, "run-2") == ["G-1"]
        found = [(row.version, row.valid_from, row.content) for row in golden.history(tx, "item", "G-1")]
        assert found == [(1, NOW, {"name": "螺栓"}), (2, LATER, {"name": "六角螺栓"})]
        assert golden.current(tx, "item", "G-9") is None


def test_golden_retire__leads_to_the_survivor(either_store: Store) -> None:
    with either_store.begin() as tx:
        golden.record(tx, "item", {"G-1": {}, "G-2": {}, "G-3": {}}, NOW, "run-1")
        assert golden.retire(tx, "item", "G-1", "G-2", NOW)
        assert golden.retire(tx, "item", "G-2", "G-3", NOW)
        assert not golden.retire(tx, "item", "G-9", "G-3", NOW)
        assert golden.resolve(tx, "item", "G-1") == "G-3"
        assert golden.resolve(tx, "item", "G-3") == "G-3"
        with pytest.raises(MillstreamError, match="itself"):
            golden.retire(tx, "item", "G-3", "G-1", NOW)
        assert golden.record(tx, "item", {"G-1": {}}, LATER, "run-2") == ["G-1"]
        assert golden.redirects(tx, "item") == {"G-2": "G-3"}


def conflict(golden_id: str, chosen: object = "kg") -> Conflict:
    return Conflict("item", golden_id, "unit", {"erp": "kg", "mes": "g"}, chosen)


def test_conflicts_replace__opens_keeps_and_closes(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert conflicts.replace(tx, "item", [conflict("G-1"), conflict("G-2")], NOW) == conflicts.Turnover(2, 2, 0)
        later = [conflict("G-2", Decimal("1.50")), conflict("G-3")]
        assert conflicts.replace(tx, "item", later, LATER) == conflicts.Turnover(1, 2, 1)
        assert [(row.golden_id, row.since, row.chosen) for row in conflicts.listed(tx)] == [
            ("G-2", NOW, "1.5"),
            ("G-3", LATER, "kg"),
        ]
        assert conflicts.listed(tx, "item", "G-2")[0].values == {"erp": "kg", "mes": "g"}
        assert conflicts.replace(tx, "item", [], LATER, within={"G-3"}) == conflicts.Turnover(0, 0, 1)
        assert conflicts.counts(tx) == {"item": 1}
        assert conflicts.replace(tx, "item", [conflict("G-1")], LATER, within={"G-1"}).opened == 1
        assert conflicts.listed(tx, golden_id="G-1")[0].since == LATER


def rejection(key: str, rule: str = "unit known") -> Rejection:
    return Rejection(key, rule, "unknown unit 'bx'", "unit", {"code": key, "unit": "bx"})


def test_quarantine_replace__row_that_no_longer_fails_is_resolved(either_store: Store) -> None:
    with either_store.begin() as tx:
        rows = [rejection("007"), rejection("007", "name present"), rejection("008")]
        assert quarantine.replace(tx, "conform", "erp", "item", rows, now=NOW) == quarantine.Turnover(3, 3, 0)
        assert quarantine.counts(tx) == {("conform", "erp", "item"): 2}
        assert quarantine.replace(tx, "conform", "mes", "item", [], now=NOW).resolved == 0
        after = quarantine.replace(tx, "conform", "erp", "item", [rejection("008")], now=LATER)
        assert after == quarantine.Turnover(0, 1, 2)
        (row,) = quarantine.listed(tx, system="erp")
        assert (row.first_seen, row.last_seen, row.rejection) == (NOW, LATER, rejection("008"))
        assert len(quarantine.listed(tx, resolved=True, limit=2)) == 2
        assert quarantine.replace(tx, "conform", "erp", "item", [], now=LATER, within={"999"}).resolved == 0


def test_quarantine_records__a_page_at_a_time_however_many_rules_each_breaks(either_store: Store) -> None:
    rows = [rejection(f"{n:03d}") for n in range(5)] + [Rejection("001", "other_rule", "no", "unit")]
    with either_store.begin() as tx:
        quarantine.replace(tx, "conform", "erp", "item", rows, now=NOW)
        quarantine.replace(tx, "judge", "golden", "item", [rejection("001")], now=NOW)
        quarantine.replace(tx, "judge", "golden", "bom", [rejection("9")], now=NOW)
        quarantine.replace(tx, "judge", "golden", "bom", [], now=LATER)
        assert quarantine.count_records(tx, {}) == 6
        found = quarantine.records(tx, {"stage": None}, limit=2, offset=1)
        assert [(one[0].rejection.source_key, len(one)) for one in found] == [("001", 2), ("002", 1)]
        assert [quarantine.place_of(one[0]) for one in quarantine.records(tx, {}, limit=9, offset=5)] == [
            ("judge", "golden", "item", "001")
        ]
        only = {"rule": "other_rule", "system": "erp"}
        assert quarantine.count_records(tx, only) == 1
        assert [[row.rejection.rule for row in one] for one in quarantine.records(tx, only, limit=9, offset=0)] == [
            ["other_rule"]
        ]
        counted = quarantine.rules(tx)
        assert (sum(counted.values()), counted["conform", "erp", "item", "other_rule"]) == (7, 1)


def test_quarantine_mark_replayed__until_judged_again(either_store: Store) -> None:
    with either_store.begin() as tx:
        quarantine.replace(tx, "conform", "erp", "item", [rejection("007")], now=NOW)
        assert quarantine.mark_replayed(tx, "conform", "erp", "item", ["007"]) == 1
        assert quarantine.listed(tx)[0].state is QuarantineState.REPLAYED
        quarantine.replace(tx, "conform", "erp", "item", [rejection("007")], now=LATER)
        assert quarantine.listed(tx)[0].state is QuarantineState.OPEN


def test_verdicts_record__again_replaces(either_store: Store) -> None:
    bad = Verdict("judge", "item", "unit known", "error", blocking=False, passed=False, checked=10, failed=2)
    good = Verdict("judge", "item", "unit known", "error", blocking=False, passed=True, checked=10, failed=0, detail=[])
    with either_store.begin() as tx:
        verdicts.record(tx, [("run-1", bad, NOW)])
        verdicts.record(tx, [("run-1", good, LATER)])
        assert verdicts.of_run(tx, "run-1") == [good]
        assert verdicts.of_run(tx, "run-2") == []
