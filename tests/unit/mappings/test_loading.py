from __future__ import annotations

from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from mappings.engine import compile_inbound
from mappings.loading import load_inbound, load_outbound, load_system

FOLDER = Path(__file__).parents[3] / "mappings"


def fault(tmp_path: Path, text: str, *, outbound: bool = False) -> str:
    path = tmp_path / ("x.outbound.yaml" if outbound else "x.inbound.yaml")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        (load_outbound if outbound else load_inbound)(path)
    return str(caught.value).replace(str(path), "x")


@pytest.mark.parametrize("system", ["crm", "erp", "mes", "wms"])
def test_load_system__own_folders_are_faultless(system: str) -> None:
    mappings = load_system(FOLDER / system)
    assert mappings.inbound
    assert mappings.outbound
    for spec in mappings.inbound:
        compile_inbound(spec, "Asia/Shanghai")


def test_native_unit__first_code_wins() -> None:
    assert load_system(FOLDER / "wms").native_unit("box") == "BX"
    assert load_system(FOLDER / "mes").native_unit("m2") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("entity: itm\nstream: s\nfields: {code: c}\n", "x:1:1 unknown entity 'itm'. Did you mean 'item'?"),
        (
            "entity: item\nstream: s\nfields:\n  code: c\n  nmae: n\n",
            "x:5:3 item has no field 'nmae'. Did you mean 'name'?",
        ),
        (
            "entity: item\nstream: s\nfields:\n  code: {from: c, call: uper}\n",
            "x:4:19 unknown function 'uper'. Did you mean 'upper'?",
        ),
        ("entity: item\nstream: s\nfields: {name: n}\n", "x:3:1 item needs the field 'code'"),
        (
            "entity: item\nstream: s\nfields:\n  code: c\n  sourcing: {from: s, map: {a: mke}}\n",
            "x:5:29 sourcing cannot be 'mke'. Did you mean 'make'?",
        ),
        (
            "entity: item\nstream: s\nunits: {P: psc}\nfields: {code: c}\n",
            "x:3:9 unknown canonical unit 'psc'. Did you mean",
        ),
        ("entity: item\nstream: s\nfields:\n  code: {form: c}\n", "x:4:10 unknown key 'form'. Did you mean 'from'?"),
        (
            "entity: item\nstream: s\nfields:\n  code: {from: c, value: d}\n",
            "give exactly one of 'from', 'value' and 'join'",
        ),
        ("entity: item\nstream: s\nfields:\n  code: c\n  obsolete: {from: o, default: A}\n", "obsolete cannot be 'A'"),
        ("entity: item\nstream: s\nfields:\n  code: c\n  name: {from: o, places: 2}\n", "name is not a decimal number"),
        ("entity: item\nstream: s\nsource_key: [cod]\nfields: {code: c}\n", "x:3:1 item has no field 'cod'"),
    ],
)
def test_load_inbound__faults_are_placed(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in fault(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("operation: o\nentity: work_ordr\nfields: {a: b}\n", "x:2:1 unknown entity 'work_ordr'"),
        ("operation: o\nentity: item\nfields:\n  a: {from: b, reference: itm}\n", "x:4:16 unknown entity 'itm'"),
        ("operation: o\nentity: item\nfields:\n  a: {quantity: q}\n", "'quantity' needs 'item'"),
        ("operation: o\nentity: item\nfields:\n  a: {each: q}\n", "'each' and 'fields' go together"),
        (
            "operation: o\nentity: item\nfields:\n  a:\n    list:\n      - {from: b, call: uper}\n",
            "unknown function 'uper'",
        ),
        ("operation: o\nentity: item\nfields:\n  a: {from: b, our: reference}\n", "give one of"),
    ],
)
def test_load_outbound__faults_are_placed(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in fault(tmp_path, text, outbound=True)


def test_load_system__gathers_the_faults_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.inbound.yaml").write_text("entity: itm\nstream: s\nfields: {}\n")
    (tmp_path / "b.outbound.yaml").write_text("operation: o\nentity: itm\nfields: {}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_system(tmp_path)
    assert len(caught.value.faults) == 2


ITEM = "entity: item\nstream: s\nfields:\n  code: c\n  name: n\n  unit: {field}\n"


def test_load_inbound__unit_codes_that_nothing_explains(tmp_path: Path) -> None:
    said = fault(tmp_path, ITEM.replace("{field}", "uom"))
    assert "x:6:3 unit comes as a unit code of the system, and nothing says what its codes mean" in said
    assert "Write units.yaml beside this file" in said
    assert "kg" in said


@pytest.mark.parametrize("field", ["{value: pcs}", "{from: uom, map: {EA: pcs}}"])
def test_load_inbound__a_unit_that_needs_no_explaining(tmp_path: Path, field: str) -> None:
    (tmp_path / "x.inbound.yaml").write_text(ITEM.replace("{field}", field), encoding="utf-8")
    load_inbound(tmp_path / "x.inbound.yaml")


def test_load_inbound__a_system_that_uses_our_units_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.inbound.yaml").write_text(ITEM.replace("{field}", "uom"), encoding="utf-8")
    (tmp_path / "units.yaml").write_text("units: {}\n", encoding="utf-8")
    load_inbound(tmp_path / "x.inbound.yaml")


def test_load_system__an_unknown_unit_is_said_once(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / f"{name}.inbound.yaml").write_text(ITEM.replace("{field}", "uom"), encoding="utf-8")
    (tmp_path / "units.yaml").write_text("units: {ZZ: stone}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_system(tmp_path)
    (said,) = caught.value.faults
    assert "units.yaml:1:9 unknown canonical unit 'stone'. Ours are box, cm" in str(said)


@pytest.mark.parametrize("name", ["item.inbond.yaml", "item.inbound.yml", "unit.yaml"])
def test_load_system__a_file_nobody_reads(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("units: {}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"nobody reads a file of this name. Name it <entity>\.inbound\.yaml"):
        load_system(tmp_path)


def test_load_system__one_operation_mapped_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        text = "operation: order_work\nentity: work_order\nfields: {quantity: quantity}\n"
        (tmp_path / f"{name}.outbound.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"b\.outbound\.yaml:1:1 another file here maps 'order_work' already"):
        load_system(tmp_path)
