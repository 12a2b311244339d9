"""What a sample says of a stream: a reply, a description, a WSDL; and what cannot be read says why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter

from canonical.errors import ConfigurationError
from connectors.registry import FOLDER, load_system
from connectors.sampling import Sample, fetched, read
from connectors.spec import AuthSpec
from tests.unit.connectors.loopback import Answer, Asked, serving

URL = "https://plant.example/api/v2/parts"
ROWS = [
    {"no": "007", "drawing": {"no": "D1"}, "tags": ["a"], "gone": False, "weight": 1.50},
    {"no": "008", "gone": None},
]


def reply(body: object, query: str = "", records: str | None = None) -> Sample:
    return read(json.dumps(body).encode(), f"{URL}?{query}" if query else URL, records=records)


def test_read__a_reply_has_its_records_and_the_fields_of_all_of_them() -> None:
    sample = reply({"meta": {"links": [{"rel": "self"}]}, "data": {"rows": ROWS}})
    assert (sample.protocol, sample.path, sample.records) == ("rest", "/api/v2/parts", "data.rows")
    assert sample.fields == {"no": ("007", "008"), "drawing.no": ("D1",), "gone": ("false",), "weight": ("1.5",)}
    assert reply({"data": {"rows": ROWS}, "other": [{"a": 1}]}, records="other").fields == {"a": ("1",)}
    assert reply(ROWS).records == "@"
    assert reply(ROWS[0]).records == "[@]", "one record alone"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"ok": False, "error": {"code": "E_AUTH"}}, "tells of an error: .*E_AUTH"),
        ({"success": False}, "tells of an error"),
        ({"total": 0, "results": []}, "an empty list of records"),
    ],
)
def test_read__a_reply_that_is_no_record_is_not_drafted_from(body: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        reply(body)
    assert reply(body, records="[@]").records == "[@]", "unless one says that it is a record"


SIZED, NUMBERED = {"kind": "number", "limit": "50", "first": "1"}, {"page": "{page}", "per_page": "{limit}"}
FROM_0 = {"kind": "number", "limit": "9", "first": "0"}
CURSOR = {"cursor": "{cursor?}"}


@pytest.mark.parametrize(
    ("head", "query", "paging", "asked"),
    [
        ({}, "", {"kind": "none"}, {}),
        ({"next_cursor": "x"}, "limit=20", {"kind": "cursor", "at": "next_cursor"}, {"limit": "20", **CURSOR}),
        ({"nextPageToken": None}, "cursor=a", {"kind": "cursor", "at": "nextPageToken"}, CURSOR),
        ({"next": "/api/v2/parts?page=2"}, "", {"kind": "next_path", "at": "next"}, {}),
        ({"@odata.nextLink": "x"}, "", {"kind": "next_path", "at": '"@odata.nextLink"'}, {}),
        ({}, "page=1&per_page=50", SIZED, NUMBERED),
        ({}, "pageNo=0&pageSize=9", FROM_0, {"pageNo": "{page}", "pageSize": "{limit}"}),
        ({}, "$skip=0&$top=10", {"kind": "offset", "limit": "10"}, {"$skip": "{offset}", "$top": "{limit}"}),
    ],
)
def test_read__a_reply_says_how_it_goes_on(
    head: Mapping[str, Any], query: str, paging: Mapping[str, str], asked: Mapping[str, str]
) -> None:
    sample = reply({**head, "items": ROWS}, query)
    assert (sample.paging, sample.asked) == (paging, asked)


def test_read__a_query_that_asks_for_changes_asks_for_them_from_then_on() -> None:
    sample = reply(ROWS, "updated_since=2026-01-01T00:00:00Z&site=W1")
    assert sample.since
    assert sample.asked == {"updated_since": "{since?}", "site": "W1"}
    assert not reply(ROWS, "site=W1").since


def test_read__an_openapi_document_describes_a_stream() -> None:
    part = {"properties": {"no": {"type": "string"}, "drawing": {"properties": {"rev": {}}}, "tags": {"type": "array"}}}
    page = {"allOf": [{"$ref": "#/components/schemas/Page"}], "properties": {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}}}}  # fmt: skip
    answers = {"200": {"content": {"application/json": {"schema": page}}}}
    query = [{"name": name, "in": "query"} for name in ("cursor", "limit", "updated_since", "colour")]
    document = {
        "openapi": "3.0.3", "servers": [{"url": "https://plant.example/api"}],
        "paths": {"/v1/parts": {"get": {"parameters": query, "responses": answers}}, "/v1/parts/{id}": {"get": {}},
                  "/v1/people": {"get": {}}},
        "components": {"schemas": {"Part": part, "Page": {"properties": {"next_cursor": {"type": "string"}}}}},
    }  # fmt: skip
    sample = read(json.dumps(document).encode(), stream="parts")
    assert (sample.path, sample.records, sample.since) == ("/api/v1/parts", "items", True)
    assert sample.fields == {"no": (), "drawing.rev": ()}
    assert sample.paging == {"kind": "cursor", "at": "next_cursor"}
    assert sample.asked == {"cursor": "{cursor?}", "updated_since": "{since?}"}
    with pytest.raises(ConfigurationError, match="2 fitting paths") as caught:
        read(json.dumps(document).encode(), stream="")
    assert "/v1/people" in (caught.value.hint or "")


def test_read__a_wsdl_describes_the_stream_that_is_connected_already() -> None:
    known = load_system("wms").system.streams["stock"]
    sample = read((FOLDER / "wms" / "wms.wsdl").read_bytes(), stream="ListStock")
    assert (sample.protocol, sample.operation, sample.since) == ("soap", "ListStock", True)
    assert sample.records == known.records
    assert sample.paging == known.paging.model_dump()
    said = dict(known.request.body)
    assert {name: said[name] for name in ("pageToken", "changedSince")} == {
        name: sample.asked[name] for name in ("pageToken", "changedSince")
    }
    assert {"sku", "quantity", "warehouse"} <= sample.fields.keys()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html/>", "no WSDL"),
        (b"<a", "no XML"),
        (b"[]", "no list of records"),
        (b"7", "no list"),
        (b"{", "sample:2:1"),
    ],
)
def test_read__what_is_no_sample_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(content)


def test_fetched__is_logged_in_as_the_connector_will_be() -> None:
    auth: AuthSpec = TypeAdapter(AuthSpec).validate_python({"kind": "bearer", "token": {"env": "TOKEN"}})
    asked: list[Asked] = []

    def answer(one: Asked) -> Answer:
        asked.append(one)
        return Answer(body=ROWS) if one.headers.get("authorization") == "Bearer secret" else Answer(401, None)

    with serving() as server:
        server.reply = answer
        url = f"{server.url}/v1/parts?page=1"
        assert json.loads(fetched("acme", url, auth, {"TOKEN": "secret"})) == ROWS
        assert asked[0].path.startswith("/v1/parts")
        with pytest.raises(ConfigurationError, match="answers 401"):
            fetched("acme", url, auth, {"TOKEN": "wrong"})
        with pytest.raises(ConfigurationError, match="TOKEN is not set"):
            fetched("acme", url, auth, {})
