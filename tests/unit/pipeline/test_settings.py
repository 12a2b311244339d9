from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from canonical.plan import PlanPolicies
from pipeline.planning_settings import Policies
from pipeline.settings import Settings

GOOD = """\
name: test
timezone: Asia/Shanghai
systems:
  crm: {role: crm}
  wms: {role: wms}
sales_order_system: crm
rulebooks: [urgent]
"""


def _refusal(folder: Path, wrong: str, instead: str) -> str:
    assert instead in GOOD
    file = folder / "test.yaml"
    file.write_text(GOOD.replace(instead, wrong), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({"MILLSTREAM_DEPLOYMENT": str(file)}).load_deployment()
    return str(refused.value).replace(str(file), "test.yaml")


@pytest.mark.parametrize("named", ["plant", "tryton"])
def test_load_deployment__what_is_shipped_is_fine(named: str) -> None:
    assert Settings.from_environment({"MILLSTREAM_DEPLOYMENT": named}).load_deployment().name == named


@pytest.mark.parametrize(
    ("wrong", "instead", "expected"),
    [  # place and message, then what to do
        ("wns: {", "wms: {", "5:3 no connector 'wns'; known: crm, erp, mes, tryton, wms. Did you mean 'wms'?"),
        ("zzzz: {", "wms: {", "a system is a folder with a system.yaml under connectors/"),
        ("role: cmr", "role: crm", "4:9 systems.crm.role: Input should be 'crm', 'erp', 'mes', 'wms' or 'other'"),
        ("system: crn", "system: crm", "6:1 no system 'crn' is connected; connected: crm, wms. Did you mean 'crm'?"),
        ("[urgent, urgen]", "[urgent]", "7:21 no rulebook 'urgen'; known: "),
        ("Shanghia", "Shanghai", "2:1 timezone: no time zone 'Asia/Shanghia'. Did you mean 'Asia/Shanghai'?"),
        ("role: wms, state: alive", "role: wms", "5:20 systems.wms.state: Input should be 'shadow', 'live'"),
        ("role: wms, limits: {concurrency: 0}", "role: wms", "limits.concurrency: Input should be greater than 0"),
        (
            "role: wms, golden_codes: [item, partner]", "role: wms",
            "5:41 wms has no operation 'write_partner_code'. declare it in connectors/wms/system.yaml,",
        ),
        (
            "wms: {role: wms}\n  mes: {role: wms, golden_codes: [item]}", "wms: {role: wms}",
            "6:20 rules reach one system of a role, and mes is not the first wms",
        ),
        ("- crm", "crm: {role: crm}\n  wms: {role: wms}", "3:1 systems: keys with values belong here"),
    ],
)  # fmt: skip
def test_load_deployment__each_fault_has_its_place_and_what_to_do(
    tmp_path: Path, wrong: str, instead: str, expected: str
) -> None:
    assert expected in _refusal(tmp_path, wrong, instead)


def test_load_deployment__one_that_is_missing_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({"MILLSTREAM_DEPLOYMENT": "plnat"}).load_deployment()
    said = str(refused.value)
    assert said.startswith("there is no deployment ")
    assert said.endswith("plnat.yaml; known: plant, tryton (Did you mean 'plant'?)")


@pytest.mark.parametrize(
    ("planning", "expected"),
    [
        ("{calendar: workday}", "8:12 no working calendar 'workday'; known: "),
        (
            "{policies: {supplier_choice: cheapest}}",
            "8:23 planning.policies.supplier_choice: Input should be 'priority'",
        ),
        ("{policies: {safetytime: due_earlier}}", "8:23 unknown key 'safetytime'. Did you mean 'safety_time'?"),
        ("{sites: {home: {warehouses: [A]}}}", "a site cannot be called 'home'. choose another name"),
        ("{sites: {s: {warehouses: [A], supplied_by: t}}}", "no site 't'; known: home, s"),
        ("{sites: {s: {warehouses: [A], supplied_by: s}}}", "site 's' is supplied by itself in the end"),
        ("{sites: {s: {warehouses: [WH1]}}}", "8:37 warehouse 'WH1' belongs to the home site"),
        ("{sites: {s: {warehouses: [A]}, t: {warehouses: [A]}}}", "warehouse 'A' belongs to s"),
    ],
)
def test_planning__each_fault_has_its_place(tmp_path: Path, planning: str, expected: str) -> None:
    assert expected in _refusal(tmp_path, f"rulebooks: [urgent]\nplanning: {planning}", "rulebooks: [urgent]")


def test_policies__name_every_convention_the_planner_has() -> None:
    names = {field.name for field in dataclasses.fields(PlanPolicies)}
    assert names <= Policies.model_fields.keys()
    chosen = Policies.model_validate({"safety_time": "longer_lead", "supplier_choice": "quota"}).for_planner()
    assert (chosen.safety_time, chosen.supplier_choice, chosen.supply_order) == (
        "longer_lead",
        "quota",
        "earliest_first",
    )
