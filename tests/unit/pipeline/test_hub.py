from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from pipeline import hub
from pipeline.settings import Settings


def test_load_configuration__a_mapping_of_a_stream_nobody_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(hub.MAPPINGS, tmp_path / "mappings")
    file = tmp_path / "mappings" / "mes" / "item.inbound.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("stream: materials", "stream: material"), encoding="utf-8")
    monkeypatch.setattr(hub, "MAPPINGS", tmp_path / "mappings")
    with pytest.raises(ConfigurationError, match=r"mes declares no stream 'material'. Did you mean 'materials'\?"):
        hub.load_configuration(replace(Settings.from_environment({}), home=tmp_path))


def test_load_configuration__a_mapping_of_an_operation_nobody_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(hub.MAPPINGS, tmp_path / "mappings")
    file = tmp_path / "mappings" / "mes" / "order_work.outbound.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("operation: order_work", "operation: order_wrok"))
    monkeypatch.setattr(hub, "MAPPINGS", tmp_path / "mappings")
    said = r"mes declares no operation 'order_wrok'. Did you mean 'order_work'\?"
    with pytest.raises(ConfigurationError, match=said):
        hub.load_configuration(replace(Settings.from_environment({}), home=tmp_path))
