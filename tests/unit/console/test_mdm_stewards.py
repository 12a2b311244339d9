"""The stewards' verbs, over a hub of the shipped configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, frame_schema
from pipeline import hub as hub_module
from pipeline.hub import Configuration, load_configuration, open_hub, run_actor
from pipeline.reconcile import reconcile_entity
from pipeline.route import begin
from pipeline.settings import Settings
from tests.unit.console.conftest import Ended

Call = Callable[..., Ended]
SCREW = "内六角螺钉 M8*20 8.8级"


def write(environ: dict[str, str], **records: list[dict[str, Any]]) -> None:
    """Items of some systems, mastered."""
    hub = open_hub(environ)
    run = hub.new_run(run_actor("test"))
    begin(hub, run)
    schema = frame_schema(ENTITIES["item"])
    for system in ("crm", "erp", "mes", "wms"):
        rows = [{"absent": [], **row, "system": system, "source_key": row["code"]} for row in records.get(system, [])]
        full = [{name: row.get(name) for name in schema} for row in rows]
        hub.frames.write(f"canonical/item/{system}", pl.DataFrame(full, schema=schema), run.run_id)
    reconcile_entity(hub, "item", run)
    hub.close()


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load_configuration(Settings.from_environment({}))


@pytest.fixture
def mastered(environ: dict[str, str], configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(hub_module, "load_configuration", lambda _: configuration)  # read once for all calls
    write(
        environ,
        erp=[{"code": "01", "name": SCREW, "drawing_number": "DW-1", "unit": "pcs"}],
        crm=[{"code": "F:1", "name": "内六角螺丝 M8×2cm 8.8级", "unit": "pcs"}],
        wms=[{"code": "W", "name": "平垫圈 8", "drawing_number": "DW-3"}],
    )
    return environ


def test_a_steward_at_work__from_the_queue_to_undo(mastered: dict[str, str], call: Call) -> None:
    queue = call("mdm", "queue", "--json").json
    assert queue["by_kind"] == {"match": 1}
    (item,) = queue["items"]
    assert item["records"] == ["crm:F:1", "erp:01"]
    told = call("mdm", "explain", "item", *item["records"], "--json").json
    assert told["parts"][-1]["sum"] == pytest.approx(sum(part["weight"] for part in told["parts"]))
    seen = call("mdm", "decide", "same", "item", *item["records"], "--preview", "--json").json
    assert seen[0]["redirects"] == {"crm:F:1": "DW-1"}
    assert call("mdm", "queue", "--json").json["total"] == 1
    (done,) = call("mdm", "decide", "same", "item", *item["records"], "--reason", "one screw", "--json").json
    assert done["golden_ids"] == ["DW-1", "crm:F:1"]
    assert call("mdm", "queue", "--json").json["total"] == 0
    versions = call("mdm", "history", "item", "DW-1", "--json").json
    assert [one["version"] for one in versions] == [1, 2]
    (undone,) = call("mdm", "unmerge", str(done["number"]), "--json").json
    assert undone["moved"] == ["crm:F:1"]
    assert call("mdm", "queue", "--json").json["total"] == 1


def test_match__tells_what_exists(mastered: dict[str, str], call: Call) -> None:
    best, *_ = call("mdm", "match", "item", "name=M8x20 内六角螺栓 8.8", "--json").json
    assert best["record"] in {"erp:01", "crm:F:1"}
    ended = call("mdm", "match", "item", "M8")
    assert ended.code == 2
    assert "name=value" in ended.err
    assert call("mdm", "match", "item", "colour=red").code == 1


def test_decide__other_verdicts(mastered: dict[str, str], call: Call) -> None:
    (pinned,) = call(
        "mdm", "decide", "pin", "item", "DW-1", "--attribute", "sourcing", "--value", "buy", "--until", "2099-01-01",
        "--json",
    ).json  # fmt: skip
    assert pinned["kind"] == "pin"
    now = call("mdm", "history", "item", "DW-1", "--about", "2098-01-01", "--json").json
    assert now[0]["content"]["sourcing"] == "buy"
    assert call("mdm", "decide", "different", "item", "crm:F:1", "erp:01", "--json").code == 0
    assert call("mdm", "queue", "--json").json["total"] == 0
    for wrong in (
        ("decide", "same", "item", "erp:01"), ("decide", "same", "item", "erp", "x:1"),
        ("decide", "pin", "item", "DW-1"), ("decide", "approve", "item", "x"),
        ("history", "item", "DW-1", "--about", "soon"),
    ):  # fmt: skip
        assert call("mdm", *wrong).code == 2
    assert call("mdm", "decide", "same", "item", "erp:01", "erp:404").code == 1
    assert call("mdm", "history", "item", "DW-404").code == 1


def test_drawn__for_a_person(mastered: dict[str, str], call: Call) -> None:
    assert "1 of 1: 1 match" in call("mdm", "queue").out
    assert "name:words" in call("mdm", "explain", "item", "crm:F:1", "erp:01").out
    done = call("mdm", "decide", "same", "item", "crm:F:1", "erp:01").out
    assert "crm:F:1 now leads to DW-1" in done
    assert "millstream mdm unmerge 1" in done
    assert "DW-1" in call("mdm", "match", "item", f"name={SCREW}").out
    assert "内六角" in call("mdm", "history", "item", "DW-1").out


def test_relate__is_shown_from_both_ends_and_taken_back(call: Call, mastered: dict[str, str]) -> None:
    asked = ("mdm", "relate", "item", "DW-3", "supersedes", "DW-1", "--since", "2026-01-01", "--reason", "a new norm")
    assert call(*asked, "--json").json["number"] == 1
    (one,) = call("mdm", "relations", "item", "DW-1", "--json").json
    assert (one["kind"], one["of"], one["to"], one["valid_from"]) == ("supersedes", "DW-3", "DW-1", "2026-01-01")
    assert call("mdm", "relations", "item", "DW-1", "--about", "2025-12-31", "--json").json == []
    assert "a new norm" in call("mdm", "relations", "item", "DW-3").out
    refused = call("mdm", "relate", "item", "DW-1", "supersedes", "DW-3", "--reason", "x")
    assert refused.code != 0
    assert "circle" in refused.err
    call("mdm", "unmerge", "1")
    assert call("mdm", "relations", "item", "DW-1", "--json").json == []
