from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from connectors.checking import wsdl_faults
from connectors.registry import FOLDER, load_system, open_connector


def _folder(tmp_path: Path, system: str, wrong: str = "", instead: str = "") -> Path:
    """A copy of a shipped connector folder with one slip in it."""
    shutil.copytree(FOLDER / system, tmp_path / system)
    file = tmp_path / system / "system.yaml"
    text = file.read_text(encoding="utf-8")
    assert instead in text
    file.write_text(text.replace(instead, wrong, 1), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("system", "wrong", "instead", "expected"),
    [
        ("mes", "entity: itm", "entity: item", "mes/system.yaml:30:5 unknown entity 'itm'. Did you mean 'item'?"),
        ("mes", "entity: workorder\n    settle", "entity: work_order\n    settle", "Did you mean 'work_order'?"),
        ("mes", "{curser?}", "{cursor?}", "mes/system.yaml:33:57 nothing fills {curser}. Did you mean 'cursor'?"),
        ("mes", ', cursor: "x"}', ', cursor: "{cursor?}"}', "nothing in the request asks for {cursor}"),
        ("mes", '{refrence}"}\n      records', '{reference}"}\n      records', "nothing fills {refrence}"),
        ("mes", "{idempotency}", "{idempotency_key}", "nothing fills {idempotency}. Did you mean 'idempotency_key'?"),
        ("crm", "{item}", "{items}", "nothing fills {item}. Did you mean 'items'?"),
        ("crm", "{keys_claus}", "{keys_clause}", "nothing fills {keys_claus}. Did you mean 'keys_clause'?"),
        ("wms", "{paylod}", "{payload}", "nothing fills {paylod}. Did you mean 'payload'?"),
    ],
)  # fmt: skip
def test_load_system__names_nobody_knows(tmp_path: Path, system: str, wrong: str, instead: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_system(system, _folder(tmp_path, system, wrong, instead))
    assert expected in str(refused.value).replace(f"{tmp_path.name}/", "")


def test_load_system__all_faults_at_once(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "mes", "entity: itm", "entity: item")
    file = folder / "mes" / "system.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("system: mes", "system: mse"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_system("mes", folder)
    assert [fault.line for fault in refused.value.faults] == [2, 30]


def test_wsdl_faults__none_in_what_is_shipped() -> None:
    assert wsdl_faults(load_system("wms")) == ()
    assert wsdl_faults(load_system("mes")) == ()


def test_wsdl_faults__gone(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "wms")
    (folder / "wms" / "wms.wsdl").unlink()
    (fault,) = wsdl_faults(load_system("wms", folder))
    assert "wms.wsdl is gone" in str(fault)
    assert "save the system's WSDL there" in str(fault)
    assert fault.line == 8


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"", b"\x00\xff", b"<?xml version='1.0'?><a/>"])
def test_wsdl_faults__something_else_in_its_place(tmp_path: Path, content: bytes) -> None:
    folder = _folder(tmp_path, "wms")
    (folder / "wms" / "wms.wsdl").write_bytes(content)
    (fault,) = wsdl_faults(load_system("wms", folder))
    assert "wms.wsdl cannot be used as a WSDL" in str(fault)


def test_wsdl_faults__an_operation_it_does_not_offer(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "wms", "operation: ListItem\n", "operation: ListItems\n")
    (fault,) = wsdl_faults(load_system("wms", folder))
    assert "the WSDL has no operation 'ListItem'. Did you mean 'ListItems'?" in str(fault)


def test_open_connector__a_slip_in_a_client_stops_that_system_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "connectors.erp.client", None)  # as if it could not be imported
    environ = dict.fromkeys(("URL", "ACCOUNT", "USER", "APP_ID", "APP_SECRET"), "http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match=r"connectors/erp/client\.py cannot be used: .*open_client"):
        open_connector("erp", {f"MILLSTREAM_ERP_{name}": value for name, value in environ.items()})
