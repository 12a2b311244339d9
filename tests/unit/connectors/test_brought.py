"""What a webhook's payload brings: whole records, keys that are asked for, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from connectors.registry import open_connector
from connectors.spec import load
from tests.unit.connectors.loopback import Answer, Asked, serving

MES = {"MILLSTREAM_MES_CLIENT_ID": "i", "MILLSTREAM_MES_CLIENT_SECRET": "s"}
CRM = {"MILLSTREAM_CRM_CLIENT_ID": "i", "MILLSTREAM_CRM_CLIENT_SECRET": "s"}


def test_brought__a_record_of_the_stream_the_event_names() -> None:
    door = open_connector("mes", {**MES, "MILLSTREAM_MES_URL": "http://127.0.0.1:9"})
    event = {"id": "e", "type": "report.created", "collection": "reports", "record": {"id": "r1"}}
    assert door.brought(event) == {"reports": [{"id": "r1"}]}
    assert door.brought({**event, "collection": "shifts"}) == {}
    door.close()


def test_brought__a_key_alone_is_asked_for() -> None:
    with serving() as server:
        server.reply = _salesforce
        door = open_connector("crm", {**CRM, "MILLSTREAM_CRM_URL": server.url})
        found = door.brought({"order_id": "801x"})
        door.close()
    assert found == {"orders": [{"Id": "801x"}], "order_items": [{"Id": "802y"}]}


def _salesforce(asked: Asked) -> Answer:
    if "token" in asked.path:
        return Answer(body={"access_token": "t", "token_type": "Bearer"})
    assert "801x" in asked.path
    key = "802y" if "OrderItem" in asked.path else "801x"
    return Answer(body={"records": [{"Id": key}], "done": True})


def test_webhook__that_brings_an_unknown_stream_is_refused_with_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "mes"
    folder.mkdir()
    text = (Path(__file__).parents[3] / "connectors/mes/system.yaml").read_text(encoding="utf-8")
    (folder / "system.yaml").write_text(text.replace("{stream: reports, records", "{stream: reprots, records"))
    with pytest.raises(ConfigurationError, match="reprots"):
        load(folder)
