"""Each strategy picks the value it should, says where it came from, and gives way to a steward."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, frame_schema
from canonical.errors import ConfigurationError, MillstreamError
from mdm.policy import Policy, Survival, load_policies
from mdm.survivorship import Pin, origins, survive, typed

NOW = datetime(2026, 11, 2, tzinfo=UTC)
PLAIN = Policy(entity="partner", golden_id="identity", precedence=("erp", "crm", "wms"))


def day(number: int) -> datetime:
    return datetime(2026, 10, number, tzinfo=UTC)


def records(*rows: dict[str, Any], entity: str = "partner") -> pl.DataFrame:
    schema = {**frame_schema(ENTITIES[entity]), "golden_id": pl.String()}
    full = [{"golden_id": "G", "role": "supplier", "absent": [], **row} for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in full], schema=schema)


def said(system: str, key: str = "1", **values: Any) -> dict[str, Any]:
    return {"system": system, "source_key": key, "code": key, **values}


THREE = records(
    said("erp", name="Acme", city="Suzhou", phone=None, changed_at=day(1)),
    said("crm", name="Acme Ltd", city="Wuxi", phone="2", changed_at=day(3)),
    said("wms", name="Acme Ltd", city=None, phone="7", tax_number="T1", changed_at=day(2)),
)


def chosen(frame: pl.DataFrame, **survival: Any) -> tuple[Any, str]:
    """The name that survives, and its source."""
    policy = PLAIN.model_copy(update={"attributes": {"name": Survival.model_validate(survival)}})
    golden = survive(policy, frame, NOW)
    came = origins(policy, frame, NOW).filter(pl.col("attribute") == "name")
    return golden["name"][0], came["source"][0] if came.height else ""


@pytest.mark.parametrize(
    ("survival", "value", "source"),
    [
        ({"strategy": "precedence"}, "Acme", "erp:1"),
        ({"strategy": "precedence", "precedence": ("wms",)}, "Acme Ltd", "wms:1"),
        ({"strategy": "recency"}, "Acme Ltd", "crm:1"),
        ({"strategy": "frequency"}, "Acme Ltd", "crm:1"),
        ({"strategy": "completeness"}, "Acme Ltd", "crm:1"),
        ({"strategy": "longest"}, "Acme Ltd", "crm:1"),
        ({"strategy": "shortest"}, "Acme", "erp:1"),
        ({"strategy": "minimum"}, "Acme", "erp:1"),
        ({"strategy": "maximum"}, "Acme Ltd", "crm:1"),
        ({"strategy": "aggregate", "aggregate": "union"}, "Acme; Acme Ltd", "crm:1, erp:1, wms:1"),
        ({"strategy": "same_as", "same_as": "phone"}, "Acme Ltd", "crm:1"),
        ({"strategy": "same_as", "same_as": "city"}, "Acme", "erp:1"),
        ({"strategy": "precedence", "valid": {"matches": ".* Ltd"}}, "Acme Ltd", "crm:1"),
        ({"strategy": "precedence", "valid": {"one_of": ("Acme Ltd",)}}, "Acme Ltd", "crm:1"),
        ({"strategy": "precedence", "valid": {"matches": "nobody"}}, None, ""),
    ],
)
def test_strategy__picks_and_tells(survival: dict[str, Any], value: str | None, source: str) -> None:
    assert chosen(THREE, **survival) == (value, source)
    assert chosen(THREE.reverse(), **survival) == (value, source)


def test_trust__fades_with_age() -> None:
    trust = {"erp": {"start": 0.9, "half_life_days": 5}, "crm": {"start": 0.6, "floor": 0.5}}
    fresh = records(said("erp", name="A", changed_at=NOW), said("crm", name="B", changed_at=NOW))
    stale = records(said("erp", name="A", changed_at=day(1)), said("crm", name="B", changed_at=day(1)))
    unknown = records(said("erp", name="A"), said("crm", name="B"))
    assert [chosen(frame, strategy="trust", trust=trust)[0] for frame in (fresh, stale, unknown)] == ["A", "B", "B"]


def test_numbers_and_flags__aggregate() -> None:
    frame = records(
        said("erp", lead_time_days=3, obsolete=False), said("wms", lead_time_days=9, obsolete=True), entity="item"
    ).drop("role", strict=False)
    policy = Policy(
        entity="item", golden_id="identity", precedence=("erp",),
        attributes={
            "lead_time_days": Survival(strategy="aggregate", aggregate="sum"),
            "obsolete": Survival(strategy="aggregate", aggregate="any"),
        },
    )  # fmt: skip
    (golden,) = survive(policy, frame, NOW).to_dicts()
    assert (golden["lead_time_days"], golden["obsolete"]) == (12, True)
    bounded = Survival.model_validate({"strategy": "maximum", "valid": {"at_least": 1, "at_most": 5}})
    policy = policy.model_copy(update={"attributes": {"lead_time_days": bounded}})
    assert survive(policy, frame, NOW)["lead_time_days"].to_list() == [3]


def test_origins__of_every_attribute_that_has_a_value() -> None:
    golden = survive(PLAIN, THREE, NOW).to_dicts()[0]
    came = {row["attribute"]: row for row in origins(PLAIN, THREE, NOW).to_dicts()}
    assert set(came) == {"code", "role", "name", "tax_number", "city", "phone"}
    for attribute, row in came.items():
        system = row["source"].split(":")[0]
        (record,) = THREE.filter(pl.col("system") == system).to_dicts()
        assert record[attribute] == golden[attribute]
    assert (came["name"]["said"], came["name"]["agreed"]) == (3, 1)
    assert came["tax_number"]["source"] == "wms:1"


def test_pin__outranks_and_may_be_nothing() -> None:
    pins = [Pin("G", "city", "Kunshan", "person:li"), Pin("G", "phone", None, "person:li")]
    (golden,) = survive(PLAIN, THREE, NOW, pins).to_dicts()
    assert (golden["city"], golden["phone"], golden["name"]) == ("Kunshan", None, "Acme")
    came = {row["attribute"]: (row["source"], row["strategy"]) for row in origins(PLAIN, THREE, NOW, pins).to_dicts()}
    assert came["city"] == ("person:li", "pin")


def test_typed__refuses_what_cannot_be() -> None:
    assert str(typed("item", "safety_stock", "12.50")) == "12.50"
    with pytest.raises(MillstreamError, match="no attribute 'colour'"):
        typed("item", "colour", "red")
    with pytest.raises(MillstreamError, match="sourcing cannot be 'steal'"):
        typed("item", "sourcing", "steal")


@pytest.mark.parametrize(
    ("survival", "fault"),
    [
        ("{strategy: trust}", "belong together"),
        ("{strategy: loudest}", "Input should be"),
        ("{strategy: same_as, same_as: nam}", "has no field 'nam'"),
        ("{strategy: aggregate, aggregate: sum}", "sum is for numbers"),
        ("{strategy: precedence, valid: {matches: '('}}", "no regular expression"),
    ],
)
def test_policy__faults_are_placed(tmp_path: Path, survival: str, fault: str) -> None:
    text = f"entity: partner\ngolden_id: identity\nprecedence: [erp]\nattributes:\n  city: {survival}\n"
    (tmp_path / "partner.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=fault) as caught:
        load_policies(tmp_path)
    assert "partner.yaml:5:" in str(caught.value)
