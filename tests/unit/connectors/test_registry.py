from __future__ import annotations

from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from connectors.declared import DeclaredConnector
from connectors.registry import discover, load_system, open_connector
from connectors.spec import Limits

GOOD = """\
system: acme
role: mes
product: Acme
protocol: rest
timezone: UTC
base_url: {env: ACME_URL}
auth: {kind: bearer, token: {env: ACME_TOKEN}}
streams:
  things:
    entity: item
    request: {path: /things}
    complete: true
"""


def _folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "system.yaml").write_text(text)
    return tmp_path


def _faults(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_system("acme", _folder(tmp_path, text))
    return str(caught.value)


def test_discover__names_folders(tmp_path: Path) -> None:
    assert discover(_folder(tmp_path, GOOD)) == ("acme",)
    assert {"crm", "erp", "mes", "wms"} <= set(discover())


def test_open_connector__every_missing_variable_with_its_place(tmp_path: Path) -> None:
    folder = _folder(tmp_path, GOOD)
    with pytest.raises(ConfigurationError) as caught:
        open_connector("acme", {"ACME_TOKEN": ""}, folder=folder)
    assert [(fault.line, fault.message) for fault in caught.value.faults] == [
        (6, "environment variable ACME_URL is not set"),
        (7, "environment variable ACME_TOKEN is not set"),
    ]


def test_open_connector__a_plant_may_set_other_limits(tmp_path: Path) -> None:
    folder, environ = _folder(tmp_path, GOOD), {"ACME_URL": "http://127.0.0.1:9", "ACME_TOKEN": "t"}
    connector = open_connector("acme", environ, folder=folder, limits=Limits(requests_per_second=500))
    assert isinstance(connector, DeclaredConnector)
    careful = load_system("acme", folder).system.limits
    assert connector.spec.limits == careful.model_copy(update={"requests_per_second": 500})


def test_load_system__unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="known: acme"):
        load_system("acne", _folder(tmp_path, GOOD))


def test_load_system__unknown_kind_lists_the_known(tmp_path: Path) -> None:
    text = _faults(tmp_path, GOOD.replace("kind: bearer", "kind: magic"))
    assert "system.yaml:7:" in text
    assert "oauth2_client_credentials" in text


def test_load_system__unknown_key_has_a_suggestion(tmp_path: Path) -> None:
    assert "Did you mean 'entity'?" in _faults(tmp_path, GOOD.replace("    entity:", "    entitty:"))


def test_load_system__secret_in_the_file_is_refused(tmp_path: Path) -> None:
    assert "system.yaml:7:" in _faults(tmp_path, GOOD.replace("{env: ACME_TOKEN}", "s3cret"))


def test_load_system__stream_nobody_can_follow(tmp_path: Path) -> None:
    assert "needs a watermark" in _faults(tmp_path, GOOD.replace("    complete: true\n", ""))


def test_load_system__bad_path_in_a_reply(tmp_path: Path) -> None:
    assert "not a JMESPath" in _faults(tmp_path, GOOD + '    records: "items["\n')


def test_load_system__no_such_time_zone(tmp_path: Path) -> None:
    assert "Asia/Shanghai" in _faults(tmp_path, GOOD.replace("UTC", "Asia/Shangai"))


def test_load_system__folder_and_name_differ(tmp_path: Path) -> None:
    assert "acme.yaml:1" in _faults(tmp_path, GOOD.replace("system: acme", "system: other")).replace(
        "system.yaml", "acme.yaml"
    )


OPERATION = """\
operations:
  make:
    entity: work_order
    steps:
      save: {class: B, request: {path: /x}}
    variants: {create: [%s]}
"""


def test_load_system__variant_names_an_unknown_step(tmp_path: Path) -> None:
    assert "Did you mean 'save'?" in _faults(tmp_path, GOOD + OPERATION % "sav")


def test_load_system__class_b_needs_a_look_up(tmp_path: Path) -> None:
    assert "class B need a look_up" in _faults(tmp_path, GOOD + OPERATION % "save")
