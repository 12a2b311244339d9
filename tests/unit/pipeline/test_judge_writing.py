"""What judging writes may wait for the next write, but never what planning and deciding ask for."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from canonical.entities import ENTITIES, frame_schema
from pipeline.hub import Hub, open_hub, run_actor
from pipeline.judge import judge
from store import quarantine, runs, verdicts


def _waiting(hub: Hub) -> set[str]:
    with hub.store.read() as tx:
        return {row.rejection.source_key for row in quarantine.listed(tx, entity="sales_order_line")}


def _counted(hub: Hub, run_id: str) -> int:
    with hub.store.read() as tx:
        return sum(one.counts["rows"] for one in runs.stages(tx, run_id))


def _planted(hub: Hub) -> None:
    for entity in hub.configuration.entities:
        empty = pl.DataFrame(schema={"golden_id": pl.String(), **frame_schema(ENTITIES[entity])})
        hub.frames.write(f"golden/{entity}", empty, "r1")
        hub.frames.write(f"judged/{entity}", empty, "r1")


def _with_a_failing_line(none: pl.DataFrame) -> pl.DataFrame:
    line = {"golden_id": "L1", "system": "crm", "source_key": "L1", "order": "nobody", "item": "nothing"}
    return pl.DataFrame([line], schema=none.schema)


def test_judge__killed_before_its_frames_stand__quarantine_stands_and_the_next_judges_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    _planted(hub)
    none = hub.frames.read("golden/sales_order_line")
    assert none is not None
    hub.frames.write("golden/sales_order_line", _with_a_failing_line(none), "r2")

    def killed(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(hub.frames, "write", killed)
        dying.setattr(hub.frames, "renew", killed)
        with pytest.raises(KeyboardInterrupt):
            judge(hub, "sales_order_line", hub.new_run(run_actor("test")), suite=False)
    hub.close()
    after = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    assert _waiting(after) == {"L1"}
    assert judge(after, "sales_order_line", after.new_run(run_actor("test")), suite=False).quarantined == 1
    assert _waiting(after) == {"L1"}
    after.close()


def test_judge__a_record_that_stops_passing_is_in_quarantine_at_once_and_counts_may_wait(tmp_path: Path) -> None:
    hub = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    run = hub.new_run(run_actor("test"))
    _planted(hub)
    judge(hub, "sales_order_line", run, suite=False)
    none = hub.frames.read("golden/sales_order_line")
    assert none is not None
    fresh = _with_a_failing_line(none)
    with hub.store.steadily():
        hub.frames.write("golden/sales_order_line", fresh, "r2")
        judge(hub, "sales_order_line", run, suite=False)
        assert _waiting(hub) == {"L1"}, "else it would count as gone"
        hub.frames.write("golden/sales_order_line", none, "r3")
        judge(hub, "sales_order_line", run, suite=False)
        assert _waiting(hub) == set(), "mended"
    assert _counted(hub, run.run_id) == 0
    hub.close()


def test_judge__what_stops_planning_stands_before_planning_asks(tmp_path: Path) -> None:
    """As soon as it stops it, and no longer than that."""
    hub = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    run = hub.new_run(run_actor("test"))
    _planted(hub)
    none = hub.frames.read("golden/item")
    assert none is not None

    def stopping() -> list[str]:
        judge(hub, "item", run, suite=False)
        with hub.store.read() as tx:
            return [one.rule for one in verdicts.stopping(tx, run.run_id)]

    with hub.store.steadily():
        assert stopping() == ["enough_items"]
        one = pl.DataFrame([{"golden_id": "I1", "code": "I1", "unit": "pcs"}], schema=none.schema)
        hub.frames.write("golden/item", one, "r2", changed=["I1"])
        assert stopping() == []
    hub.close()


def _failing_line(hub: Hub, run_id: str, *, mended: bool = False) -> None:
    frame = hub.frames.read("golden/sales_order_line")
    assert frame is not None
    frame = frame.clear() if mended else _with_a_failing_line(frame)
    hub.frames.write("golden/sales_order_line", frame, run_id, changed=["L1"])
    judge(hub, "sales_order_line", hub.new_run(run_actor("test")), suite=False)


def test_judge__mended_in_the_turn_that_said_it_fails__it_does_not_come_back_with_what_was_left_beside(
    tmp_path: Path,
) -> None:
    """A turn that was overtaken looks twice."""
    hub = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    _planted(hub)
    _failing_line(hub, "r2")
    with hub.store.steadily():
        _failing_line(hub, "r3")
        assert _waiting(hub) == {"L1"}
        _failing_line(hub, "r4", mended=True)
        assert _waiting(hub) == set()
    assert _waiting(hub) == set()
    hub.close()


def test_judge__what_another_process_put_into_quarantine_or_took_out__is_not_taken_for_what_we_wrote(
    tmp_path: Path,
) -> None:
    hub, other = (open_hub({"MILLSTREAM_HOME": str(tmp_path)}) for _ in range(2))
    _planted(hub)
    _failing_line(hub, "r2", mended=True)
    _failing_line(other, "r3")
    assert _waiting(hub) == {"L1"}
    _failing_line(hub, "r4", mended=True)
    assert _waiting(hub) == set(), "else it would wait for as long as we live"
    _failing_line(hub, "r5")
    _failing_line(other, "r6", mended=True)
    with hub.store.steadily():
        _failing_line(hub, "r7")
        assert _waiting(hub) == {"L1"}, "else it would count as gone"
    hub.close()
    other.close()


def _lines(hub: Hub, *keys: str) -> None:
    """Further order lines, which all say the same order and number."""
    none = hub.frames.read("golden/sales_order_line")
    assert none is not None
    said = [{"golden_id": key, "order": "SO-1", "line": "1"} for key in sorted({*none["golden_id"], *keys})]
    hub.frames.write("golden/sales_order_line", pl.DataFrame(said, schema=none.schema), "r2", changed=keys)


def _judged_lines(hub: Hub) -> list[str]:
    judge(hub, "sales_order_line", hub.new_run(run_actor("test")), suite=False)
    passed = hub.frames.read("judged/sales_order_line")
    assert passed is not None
    return passed["golden_id"].to_list()


def test_judge__a_row_that_fails_by_what_another_says__goes_with_it_and_comes_back_without_it(tmp_path: Path) -> None:
    """Its own did not change: of two lines by one number neither is taken, and who is alone again is not lost."""
    hub = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    _planted(hub)
    _judged_lines(hub)
    _lines(hub, "L1")
    assert _judged_lines(hub) == ["L1"]
    _lines(hub, "L2")
    assert _judged_lines(hub) == []
    assert _waiting(hub) == {"L1", "L2"}
    both = hub.frames.read("golden/sales_order_line")
    assert both is not None
    hub.frames.write("golden/sales_order_line", both.filter(pl.col("golden_id") == "L1"), "r3", changed=["L2"])
    assert _judged_lines(hub) == ["L1"]
    assert _waiting(hub) == set()
    hub.close()
